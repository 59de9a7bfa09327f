"""What the drill changes in its copy of the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from proofs.drill.scale import scale_tree
from proofs.harness.webhook import Webhook
from stack.variables import ALERT_RECEIVERS_DIR, REDIS_MAXMEMORY, STOP_GRACE

ALERTS = "alerts"
"""The webhook's path for all alerts but Watchdog."""
SIGNS_OF_LIFE = "watchdog"
"""The webhook's path for Watchdog."""

GRACE_SECONDS = 15
"""A tick that is later than this is skipped."""

BUILD_CONTEXT = ".dockerignore"
"""Keeps unneeded files out of the image. Containers run the drill's jobs, so its modules stay."""

SETTINGS = {
    STOP_GRACE.name: "5",
    REDIS_MAXMEMORY.name: "32mb",
    "RQ_WORKER_TTL_SECONDS": "16",
    "RQ_JOB_MONITORING_INTERVAL_SECONDS": "2",
    "RQ_MAINTENANCE_INTERVAL_SECONDS": "2",
    "SCHEDULER_CRON_GRACE_SECONDS": str(GRACE_SECONDS),
}
"""Waits of the application, shortened as far as settings allow. RQ removes a dead worker a minute after its
time to live, which no setting changes.
"""


def configure(project: Path, receivers: Path, webhook: Webhook) -> dict[str, str]:
    """Change the copy's files; return the variables for its environment.

    Args:
        project: the root of the copy
        receivers: a folder for receivers.yml, created here
        webhook: receives the alerts
    """
    scale_tree(project)
    for name in ("objectives.yml", "cron_jobs.py"):
        shutil.copy(project / "proofs" / "drill" / name, project / name)
    with (project / BUILD_CONTEXT).open("a", encoding="utf-8") as allowed:
        allowed.write("!proofs\n")
    _write_receivers(receivers, webhook)
    return SETTINGS | {ALERT_RECEIVERS_DIR.name: str(receivers)}


def _write_receivers(folder: Path, webhook: Webhook) -> None:
    folder.mkdir()
    paths = {"critical": ALERTS, "warning": ALERTS, "watchdog": SIGNS_OF_LIFE}
    receivers = [
        {"name": name, "webhook_configs": [{"url": webhook.url(path), "send_resolved": True}]}
        for name, path in paths.items()
    ]
    (folder / "receivers.yml").write_text(yaml.safe_dump({"receivers": receivers}), encoding="utf-8")

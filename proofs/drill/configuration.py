"""What the drill changes in the copy of the project that it sets fire to."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from proofs.drill.scale import scale_tree
from proofs.harness.webhook import Webhook
from stack.variables import ALERT_RECEIVERS_DIR, REDIS_MAXMEMORY, STOP_GRACE

ALERTS = "alerts"
"""The webhook's path for all alerts but the watchdog's."""
SIGNS_OF_LIFE = "watchdog"
"""Its path for those."""

GRACE_SECONDS = 15
"""A tick that is later than this does not run."""

BUILD_CONTEXT = ".dockerignore"
"""Keeps what no container needs out of the image; those of the drill run its jobs."""

SETTINGS = {
    STOP_GRACE.name: "5",
    REDIS_MAXMEMORY.name: "32mb",
    "RQ_WORKER_TTL_SECONDS": "16",
    "RQ_JOB_MONITORING_INTERVAL_SECONDS": "2",
    "RQ_MAINTENANCE_INTERVAL_SECONDS": "2",
    "SCHEDULER_CRON_GRACE_SECONDS": str(GRACE_SECONDS),
}
"""What waits in the application itself is shortened too, as far as it has a setting. RQ drops a dead worker a
minute after its time to live: that has none."""


def configure(project: Path, receivers: Path, webhook: Webhook) -> dict[str, str]:
    """Change the copy's files, and return what its environment must hold.

    Args:
        project: the root of the copy
        receivers: a folder for receivers.yml, made here
        webhook: who is told of alerts
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

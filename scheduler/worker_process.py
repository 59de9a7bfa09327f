"""What the worker scripts run."""

from __future__ import annotations

from scheduler.connection import connect
from scheduler.logs import configure_logging
from scheduler.settings import Settings
from scheduler.supervised_worker import build_worker


def run_worker(queue_name: str) -> None:
    """Work one queue, with RQ's scheduler for its delayed jobs and retries, until SIGTERM."""
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    build_worker([queue_name], connect(settings.redis_url), settings).work(with_scheduler=True)

"""A worker of an application's own queue: `python -m drill.worker QUEUE [--without-scheduler]`."""

from __future__ import annotations

import sys

from scheduler import DataHubScheduler
from scheduler.worker_process import run_worker

WITHOUT_SCHEDULER = "--without-scheduler"


def main() -> None:
    """Work until SIGTERM, as the stack's workers do, or without RQ's scheduler, as users forget it."""
    queue_name, *options = sys.argv[1:]
    if WITHOUT_SCHEDULER in options:
        with DataHubScheduler() as scheduler:
            scheduler.work(queue_name)
    else:
        run_worker(queue_name)


if __name__ == "__main__":
    main()

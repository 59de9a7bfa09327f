"""An application's worker: `python -m proofs.drill.worker QUEUE [--without-scheduler | --plain]`."""

from __future__ import annotations

import sys

from rq import Worker

from rq_mon.connection.client import connect
from rq_mon.settings import Settings
from scheduler import DataHubScheduler
from scheduler.worker_process import run_worker

WITHOUT_SCHEDULER = "--without-scheduler"
PLAIN = "--plain"


def main() -> None:
    """Work until SIGTERM: like the stack's workers, or without RQ's scheduler, or without counting."""
    queue_name, *options = sys.argv[1:]
    if PLAIN in options:
        Worker([queue_name], connection=connect(Settings.from_environment().redis_url)).work()
    elif WITHOUT_SCHEDULER in options:
        with DataHubScheduler() as scheduler:
            scheduler.work(queue_name)
    else:
        run_worker(queue_name)


if __name__ == "__main__":
    main()

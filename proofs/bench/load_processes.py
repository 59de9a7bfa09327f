"""A process that enqueues empty jobs at a steady rate, and a worker that runs them without a fork.

    python -m proofs.bench.load_processes work
    python -m proofs.bench.load_processes feed RATE

Both read the URL of Redis from the environment, like the stack's own workers.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from typing import Any

from rq import Queue

from proofs.bench.jobs import NOOPS
from rq_mon.connection.client import connect
from rq_mon.settings import Settings
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker

QUEUES = tuple(f"load-{number}" for number in range(4))
BATCH = 100
ENOUGH = 500
"""The backlog to keep at the highest rate."""
RESULT_TTL = 0


def _batches(queues: list[Queue]) -> Iterator[tuple[Queue, list[Any]]]:
    names = itertools.cycle(NOOPS)
    for queue in itertools.cycle(queues):
        yield queue, [Queue.prepare_data(next(names), result_ttl=RESULT_TTL) for _ in range(BATCH)]


def feed(rate: float) -> None:
    """Enqueue `rate` jobs a second; at 0, as many as keep the workers busy."""
    settings = Settings.from_environment()
    connection = connect(settings.redis_url)
    queues = [Queue(name, connection=connection) for name in QUEUES]
    due = time.monotonic()
    for queue, jobs in _batches(queues):
        if rate:
            due += BATCH / rate
            time.sleep(max(0.0, due - time.monotonic()))
        else:
            while queue.count >= ENOUGH:
                time.sleep(0.05)
        queue.enqueue_many(jobs)


def work() -> None:
    """Run jobs of all queues until the process ends."""
    settings = Settings.from_environment()
    worker = MonitoredSimpleWorker(QUEUES, connection=connect(settings.redis_url))
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work"]:
            work()
        case ["feed", rate]:
            feed(float(rate))

"""A worker that gets SIGTERM at an awkward moment: `signalled_worker.py CLASS MOMENT TEXT QUEUE…`.

MOMENT is `log` (while it formats the line that contains TEXT), `lock` (while it holds the lock of its
connection pool and has a job) or `swallowed` (in code that catches every exception, while it is idle).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from redis import Redis
from rq.worker import WorkerStatus

from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from scheduler.supervised_worker import SupervisedWorker

CLASSES: dict[str, type[MonitoredWorker | MonitoredSimpleWorker]] = {
    each.__name__: each for each in (MonitoredWorker, MonitoredSimpleWorker, SupervisedWorker)
}


@cache
def send_sigterm() -> None:
    """Send SIGTERM to this process, the first time only."""
    os.kill(os.getpid(), signal.SIGTERM)


class SignalsInALogLine(logging.Formatter):
    def __init__(self, text: str) -> None:
        super().__init__("%(message)s")
        self.text = text

    def format(self, record: logging.LogRecord) -> str:
        if self.text in record.getMessage():
            send_sigterm()
        return super().format(record)


class SignalsWhileHeld:
    """A lock during which SIGTERM arrives."""

    def __init__(self, lock: Any, is_time: Callable[[], bool]) -> None:
        self.lock, self.is_time = lock, is_time

    def __enter__(self) -> None:
        self.lock.acquire()
        if self.is_time():
            send_sigterm()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def main(worker_class: str, moment: str, text: str, *queues: str) -> None:
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(SignalsInALogLine(text) if moment == "log" else None)
    logging.basicConfig(level=logging.DEBUG, handlers=[output])
    connection = Redis.from_url(os.environ["RQ_REDIS_URL"])
    worker = CLASSES[worker_class](queues, connection=connection, worker_ttl=600, maintenance_interval=1)
    if moment == "lock":
        pool: Any = connection.connection_pool
        pool._lock = SignalsWhileHeld(pool._lock, lambda: worker.get_state() == WorkerStatus.BUSY)
    if moment == "swallowed":
        worker.procline = lambda _: swallow(send_sigterm)  # type: ignore[method-assign]
    worker.work(logging_level="DEBUG")


def swallow(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        logging.info("swallowed")


if __name__ == "__main__":
    main(*sys.argv[1:])

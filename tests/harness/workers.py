"""Workers in the test's own process: registered, and controlled by the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import read_together
from rq_mon.state.workers import WorkerFacts, read_workers
from rq_mon.worker.monitored_worker import MonitoredWorker

StartWorker = Callable[..., Any]
"""Starts a worker: `start_worker("mail", kind=MonitoredSimpleWorker, name="ann")`."""


@contextmanager
def workers_of(redis: Redis) -> Iterator[StartWorker]:
    """Gives what starts a worker; their subscriptions end with the block."""
    started: list[Any] = []

    def start_worker(*queues: str, kind: Any = MonitoredWorker, **options: Any) -> Any:
        worker = kind(list(queues), **{"connection": redis, **options})
        worker.bootstrap()
        started.append(worker)
        return worker

    try:
        yield start_worker
    finally:
        for worker in started:
            worker.unsubscribe()


def is_waiting_for_jobs(redis: Redis) -> bool:
    """Whether a worker of one queue is blocked until a job comes."""
    clients: Any = redis.client_list()
    return any(client["cmd"] == "blmove" and "b" in client["flags"] for client in clients)


def workers_now(redis: Redis) -> list[WorkerFacts]:
    """All workers that RQ lists, as the exporter reads them."""
    errors = Errors()
    found = read_together(redis, {"workers": read_workers(errors)}, errors, time.monotonic() + 60)
    return list(found["workers"])

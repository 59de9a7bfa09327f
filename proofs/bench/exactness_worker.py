"""The jobs and the worker of the exactness run: `python -m proofs.bench.exactness_worker URL QUEUE`."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from redis import Redis
from rq import Queue, Retry, get_current_job
from rq.command import send_stop_job_command
from rq.job import Job

from rq_mon.connection.client import connect
from rq_mon.worker.monitored_worker import MonitoredWorker


def succeed() -> None:
    time.sleep(0.005)


def succeed_slowly() -> None:
    time.sleep(0.2)


def fail() -> None:
    raise ValueError("no")


def fail_twice() -> None:
    if _runs() <= 2:
        raise KeyError("not yet")


def ask_for_retry() -> Retry | None:
    return Retry(max=5) if _runs() <= 2 else None


def ask_for_too_many_retries() -> Retry:
    return Retry(max=2)


def overrun() -> None:
    time.sleep(20)


def kill_work_horse() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stop_itself() -> None:
    send_stop_job_command(_connection(), _job().id)
    time.sleep(5)


def _runs() -> int:
    return int(_connection().incr(f"runs:{_job().id}"))  # type: ignore[arg-type]


def _job() -> Job:
    job = get_current_job()
    assert job is not None
    return job


def _connection() -> Redis:
    return _job().connection


class ImpatientQueue(Queue):
    """A worker that is killed during maintenance keeps others from it for 3 s, not for RQ's 15 minutes."""

    def acquire_maintenance_lock(self) -> bool:
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=3))


class ImpatientWorker(MonitoredWorker):
    """Counts as dead 8 s after it was killed, not after RQ's minute, so that the run ends."""

    queue_class = ImpatientQueue

    def get_heartbeat_ttl(self, *_: Any, **__: Any) -> int:
        return 8


def main(url: str, queue: str) -> None:
    connection = connect(url)
    worker = ImpatientWorker(
        [queue], connection=connection, worker_ttl=17, job_monitoring_interval=2, maintenance_interval=2
    )
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main(*sys.argv[1:])

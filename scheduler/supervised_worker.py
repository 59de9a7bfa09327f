"""The stack's own worker: one process under a supervisor that restarts it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from redis import Redis

from scheduler.monitored_worker import MonitoredWorker
from scheduler.settings import Settings


class SupervisedWorker(MonitoredWorker):
    """A `MonitoredWorker` that keeps its name over restarts and is missed soon when it dies."""


def worker_name(queue_names: Sequence[str]) -> str:
    """Return the name of this process' worker: it stays the same when a container restarts."""
    return f"{'-'.join(queue_names)}-{socket.gethostname()}-{os.getpid()}"


def build_worker(queue_names: Sequence[str], connection: Redis, settings: Settings) -> SupervisedWorker:
    """Return a worker for these queues, in the order of their priority."""
    return SupervisedWorker(
        queue_names,
        name=worker_name(queue_names),
        connection=connection,
        worker_ttl=settings.worker_ttl,
        job_monitoring_interval=settings.job_monitoring_interval,
        maintenance_interval=settings.maintenance_interval,
        log_job_description=False,
    )

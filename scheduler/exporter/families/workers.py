"""Workers: when they last reported, and what they work on."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric as Family

from scheduler import catalogue
from scheduler.exporter.families.build import gauge
from scheduler.exporter.snapshot import Snapshot


def worker_families(snapshot: Snapshot) -> Iterator[Family]:
    """Live workers only: the others have said goodbye."""
    live = [worker for worker in snapshot.workers if worker.is_live]
    yield gauge(catalogue.WORKER_LAST_HEARTBEAT, (((worker.name,), worker.last_heartbeat) for worker in live))
    yield gauge(catalogue.WORKER_EXPIRES_IN, (((worker.name,), worker.expires_in) for worker in live))
    yield gauge(
        catalogue.WORKER_JOB_RUNNING,
        (
            ((worker.name, worker.job.queue), max(0.0, snapshot.taken_at - worker.job.started_at))
            for worker in live
            if worker.job
        ),
    )

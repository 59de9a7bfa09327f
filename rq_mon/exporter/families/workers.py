"""Worker metrics: last heartbeats and current jobs."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import changing_numbers, numbers
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.values import label_text


def worker_families(snapshot: Snapshot) -> Iterator[Family]:
    """Yield the families of live workers; the others have signed off."""
    live = [worker for worker in snapshot.workers.all() if worker.is_live]
    yield numbers(
        catalogue.WORKER_LAST_HEARTBEAT, (((worker.name,), worker.last_heartbeat) for worker in live)
    )
    expire_in = snapshot.workers.expire_in
    yield changing_numbers(
        catalogue.WORKER_EXPIRES_IN, (((worker.name,), expire_in.get(worker.key)) for worker in live)
    )
    yield numbers(
        catalogue.WORKER_VERSION_INFO,
        (((worker.name, worker.version), 1) for worker in live if worker.version),
    )
    running = [(worker.name, worker.job) for worker in live if worker.job]
    yield changing_numbers(
        catalogue.WORKER_JOB_RUNNING,
        (((name, job.queue), max(0.0, snapshot.taken_at - job.started_at)) for name, job in running),
    )
    yield numbers(
        catalogue.WORKER_LONG_JOB_INFO,
        (((job.worker, job.queue, job.function, _label(job.id)), 1) for job in snapshot.long_jobs),
    )
    yield numbers(catalogue.WORKER_JOB_TIMEOUT, (((name, job.queue), job.timeout) for name, job in running))


def _label(job_id: str) -> str:
    return label_text(job_id.encode(errors="surrogateescape"))

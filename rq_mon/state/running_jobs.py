"""The running jobs of live workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from redis import Redis

from rq_mon.state.failed_jobs import JOBS_PER_PAGE
from rq_mon.state.stored_jobs import read_functions
from rq_mon.state.workers import CurrentJob, WorkerFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A running job and its worker."""

    id: str
    queue: str
    function: str
    worker: str
    since: float
    """Unix time."""
    timeout: float | None
    """Timeout in seconds; None for no limit."""


def running_jobs_of(connection: Redis, workers: Iterable[WorkerFacts]) -> list[RunningJob]:
    """Return the running jobs of those workers that are alive, the longest running first."""
    busy = [
        (worker.name, worker.job_id, worker.job)
        for worker in workers
        if worker.is_live and worker.job_id and worker.job
    ]
    functions: list[str] = []
    for start in range(0, len(busy), JOBS_PER_PAGE):
        functions += read_functions(
            connection, [job_id for _, job_id, _ in busy[start : start + JOBS_PER_PAGE]]
        )
    running = [
        running_job(worker, job_id, job, function)
        for (worker, job_id, job), function in zip(busy, functions, strict=True)
    ]
    return sorted(running, key=lambda each: each.since)


def running_job(worker: str, job_id: bytes, job: CurrentJob, function: str) -> RunningJob:
    """Return a worker's running job, given its function."""
    return RunningJob(
        id=job_id.decode(errors="surrogateescape"),
        queue=job.queue,
        function=function,
        worker=worker,
        since=job.started_at,
        timeout=job.timeout,
    )

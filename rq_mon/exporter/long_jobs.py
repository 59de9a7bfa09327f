"""Running jobs beyond their queue's run objective, by name."""

from __future__ import annotations

from collections.abc import Iterable

from redis import Redis

from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.state.running_jobs import RunningJob, running_job
from rq_mon.state.stored_jobs import read_functions
from rq_mon.state.workers import WorkerFacts

MOST = 100
"""At most this many jobs, the longest running; each is a series."""


class LongJobs:
    """Caches the functions of jobs between scrapes, so that each is read once."""

    def __init__(self, connection: Redis, objectives: CurrentObjectives) -> None:
        self._connection = connection
        self._objectives = objectives
        self._functions: dict[bytes, str] = {}

    def read(self, workers: Iterable[WorkerFacts], now: float) -> list[RunningJob]:
        """Return the jobs of these workers that run beyond their queue's objective, at most MOST.

        Raises:
            RedisError: Redis cannot be read.
        """
        late = [
            (worker, worker.job_id, worker.job)
            for worker in workers
            if worker.is_live
            and worker.job_id
            and worker.job
            and now - worker.job.started_at > self._objectives.of(worker.job.queue).run_seconds
        ]
        longest = sorted(late, key=lambda each: each[2].started_at)[:MOST]
        new = [job_id for _, job_id, _ in longest if job_id not in self._functions]
        known = self._functions | dict(
            zip(new, read_functions(self._connection, new) if new else (), strict=True)
        )
        self._functions = {job_id: known[job_id] for _, job_id, _ in longest}
        return [running_job(worker.name, job_id, job, known[job_id]) for worker, job_id, job in longest]

"""Workers for tests, with shorter waits than RQ's, or with the application's own names for jobs."""

from __future__ import annotations

from typing import Any

from rq import Queue
from rq.job import Job

from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker


class MissedSoonWorker(MonitoredWorker):
    """Counts as dead one second after it was killed; with RQ's worker it takes more than a minute."""

    def get_heartbeat_ttl(self, job: Job, *args: Any, **kwargs: Any) -> int:
        return 1


class LogsKeptJobsWorker(MonitoredWorker):
    """Logs whether it still refers to a job after running it."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        super().execute_job(job, queue)
        keeps = [name for name, value in vars(self).items() if value is job]
        self.log.warning("keeps the job as %s", keeps)


class RacingQueue(Queue):
    """Adds a dependent once while a job's end is being recorded, so that RQ has to start over."""

    raced = False

    def enqueue_dependents(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """RQ 2.12 calls it between WATCH and MULTI."""
        super().enqueue_dependents(job, *args, **kwargs)
        self._race(job)

    def move_dependents_to_ready(self, job: Job, *args: Any, **kwargs: Any) -> Any:
        """RQ 3 calls it instead."""
        moved = super().move_dependents_to_ready(job, *args, **kwargs)  # type: ignore[misc]
        self._race(job)
        return moved

    def _race(self, job: Job) -> None:
        if not RacingQueue.raced:
            RacingQueue.raced = True
            job.connection.sadd(job.dependents_key, "a job that depends on it")


class MissedSoonSimpleWorker(MonitoredSimpleWorker):
    def get_heartbeat_ttl(self, job: Job, *args: Any, **kwargs: Any) -> int:
        return 1


class NamesByArgumentWorker(MonitoredWorker):
    """All jobs have the same function; the first argument names what a job counts as."""

    def metrics_function(self, job: Job) -> str | None:
        return f"named {job.args[0]}" if job.args else None


class RaisesForANameWorker(MonitoredWorker):
    def metrics_function(self, job: Job) -> str:
        raise KeyError(job.id)


class ReturnsAListWorker(MonitoredWorker):
    def metrics_function(self, job: Job) -> list[str]:
        return ["no name"]

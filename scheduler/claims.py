"""A worker that starts a job only if it may still start it.

A job goes from its queue to the intermediate queue until its start is recorded. If that takes too long,
others put it back (supervised_queue.py). A worker that was frozen meanwhile does not know this. It would run
a job again that is queued, runs elsewhere, or has ended. It need not have had the job when it was frozen:
Redis also gives one to a frozen worker that was waiting for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError
from rq import Queue
from rq.executions import Execution, cleanup_execution
from rq.job import Job, JobStatus
from rq.worker import WorkerStatus

from rq_mon.series import running_key
from rq_mon.worker.monitored_worker import MonitoredWorker


class NotOursError(Exception):
    """The job no longer belongs to this worker."""


class ClaimingWorker(MonitoredWorker):
    """A `MonitoredWorker` that removes a job from the intermediate queue in the transaction of its start."""

    _was_on_its_way = False
    """Whether the current job was in the intermediate queue when its start was recorded: only one worker
    finds it there."""

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Set the worker's state; with a pipeline, it is the transaction that records a job's start."""
        super().set_state(state, pipeline)
        if pipeline is not None and self._job is not None:
            self._take_off_its_way(self._job, pipeline)

    def _take_off_its_way(self, job: Job, pipeline: Pipeline) -> None:
        pipeline.lrem(_queue_of(job).intermediate_queue_key, 1, job.id)
        execute = pipeline.execute

        def execute_and_look(*args: Any, **kwargs: Any) -> list[Any]:
            answers = execute(*args, **kwargs)
            self._was_on_its_way = answers[-1] == 1
            return answers

        pipeline.execute = execute_and_look  # type: ignore[method-assign]

    def prepare_execution(self, job: Job) -> Execution:
        """Record the start, and undo that if another worker has the job by now."""
        execution = super().prepare_execution(job)
        if not self._was_on_its_way and _is_elsewhere(job, execution, self.connection):
            self._take_back(job, execution)
            raise NotOursError(job.id)
        return execution

    def _take_back(self, job: Job, execution: Execution) -> None:
        """Remove the record of the start, without counting an end."""
        forwarded: Any = {"execution": execution} if hasattr(self, "executions") else {}
        with self.connection.pipeline() as pipeline:
            cleanup_execution(self, job, pipeline, **forwarded)
            pipeline.execute()
        with suppress(ResponseError):  # without the right to our keys, no start was recorded there either
            self.connection.hdel(running_key(job.origin), execution.id)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job if this worker may still run it."""
        try:
            super().execute_job(job, queue)
        except NotOursError:
            self.log.warning(
                "Worker %s: did not start job=%s queue=%s: it took too long, another process has the job",
                self.name,
                job.id,
                queue.name,
            )
            self.set_state(WorkerStatus.IDLE)

    def prepare_job_execution(self, job: Job, *_args: Any, **_kwargs: Any) -> None:
        """Record that the work horse begins; the job has left the intermediate queue already."""
        super().prepare_job_execution(job, remove_from_intermediate_queue=False)


def _is_elsewhere(job: Job, ours: Execution, connection: Redis) -> bool:
    """Return whether a job is queued, runs or has ended. If not, it is on no list and would be lost."""
    queue = _queue_of(job)
    with connection.pipeline() as reads:
        reads.hget(job.key, "status")
        reads.lpos(queue.key, job.id)
        reads.lpos(queue.intermediate_queue_key, job.id)
        reads.zrange(queue.started_job_registry.key, 0, -1)
        status, *places, started = reads.execute()
    others = [entry for entry in started if entry != ours.composite_key.encode()]
    return (
        status != JobStatus.QUEUED.value.encode()
        or any(place is not None for place in places)
        or any(entry.rpartition(b":")[0] == job.id.encode() for entry in others)
    )


def _queue_of(job: Job) -> Queue:
    return Queue(job.origin, connection=job.connection)

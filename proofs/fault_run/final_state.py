"""The state of each job in Redis at the end of the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.results import Result

from proofs.fault_run.kinds import QUEUES
from rq_mon.series import running_key

GONE = "gone"
MAX_RETRIES = "MaxRetriesExceeded"


class FinalState(NamedTuple):
    """The state of a job."""

    status: str
    """RQ's status; GONE if Redis does not have the job."""
    reason: str = ""
    """Why the job failed."""


def final_states(connection: Redis, job_ids: Iterable[str]) -> dict[str, FinalState]:
    """Return the state of each job. A job that is queued or delayed must also be in a queue or registry."""
    ids = list(job_ids)
    client: Any = connection
    with client.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hget(Job.key_for(job_id), "status")
        statuses = pipeline.execute()
    held = _held(connection)
    return {
        job_id: _state(connection, job_id, status.decode() if status else GONE, held)
        for job_id, status in zip(ids, statuses, strict=True)
    }


def waiting(connection: Redis) -> int:
    """Return the number of jobs that wait, run or are delayed, plus ends that are not counted yet."""
    client: Any = connection
    with client.pipeline() as pipeline:
        for name in QUEUES:
            queue = Queue(name, connection=connection)
            pipeline.llen(queue.key)
            pipeline.llen(queue.intermediate_queue_key)
            pipeline.zcard(queue.started_job_registry.key)
            pipeline.zcard(queue.scheduled_job_registry.key)
            pipeline.hlen(running_key(name))
        return sum(pipeline.execute())


def _state(connection: Redis, job_id: str, status: str, held: set[str]) -> FinalState:
    if status in ("queued", "scheduled") and job_id not in held:
        return FinalState(f"{status}, but in no list")
    if status != "failed":
        return FinalState(status)
    result = Job.fetch(job_id, connection=connection).latest_result()
    return FinalState(status, _reason(result))


def _held(connection: Redis) -> set[str]:
    held: set[str] = set()
    for name in QUEUES:
        queue = Queue(name, connection=connection)
        held.update(queue.get_job_ids())
        held.update(queue.scheduled_job_registry.get_job_ids())
    return held


def _reason(result: Result | None) -> str:
    if result is None:
        return ""
    if result.type is Result.Type.MAX_RETRIES_EXCEEDED:
        return MAX_RETRIES
    text = (result.exc_string or "").strip().rpartition("\n")[2]
    if "AbandonedJobError" in text:
        return "AbandonedJobError"
    return text.partition(":" if "Error" in text or "Exception" in text else ";")[0]

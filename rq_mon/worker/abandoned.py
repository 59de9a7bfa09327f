"""Finds executions whose worker died with them, and counts each once.

RQ's registry maintenance fails or retries an abandoned job, whoever runs it: worker, `rq info`, rq-dashboard.
It tells only a worker's exception handlers, and outside of its transaction. So we do not ask it: an execution
that is still listed as running (job_recorder.py) when RQ's own registry no longer knows it was abandoned.
"""

from __future__ import annotations

import logging
import time
from typing import NamedTuple, cast

from redis import Redis
from rq.utils import utcparse

from rq_mon.catalogue import ABANDONED
from rq_mon.series import running_key, search_lock_key
from rq_mon.worker.recorder import End, JobRecorder

logger = logging.getLogger(__name__)

FIELD_SEPARATOR = "\x1f"
"""Not JSON: a work horse is a fork, and whatever its worker touches for a job is a page of memory to copy."""

SEARCH_INTERVAL = 5
"""Seconds between two searches of a queue, however many workers serve it."""


class RunningJob(NamedTuple):
    """What is known of an execution from its start."""

    job_id: str
    worker_key: str
    worker_birth: str
    """As in the worker's hash: a later worker may have the same name."""
    heartbeat_ttl: float
    """Seconds after which a worker that has not reported counts as dead."""
    deadline: float
    """Unix time at which RQ has ended the job by force; infinite if it may run for ever."""
    function: str
    """The last, because it may hold anything."""

    def encode(self) -> str:
        """As one field of the hash of running executions."""
        return FIELD_SEPARATOR.join(map(str, self))

    @classmethod
    def decode(cls, text: str) -> RunningJob:
        """Read what `encode` wrote; anything else is a ValueError."""
        fields = text.split(FIELD_SEPARATOR, len(cls._fields) - 1)
        if len(fields) != len(cls._fields):
            raise ValueError(f"expected a running job, got {text!r}")
        job_id, worker_key, worker_birth, heartbeat_ttl, deadline, function = fields
        return cls(job_id, worker_key, worker_birth, float(heartbeat_ttl), float(deadline), function)


def count_abandoned(connection: Redis, recorder: JobRecorder, queue: str, registry_key: str) -> int:
    """Count the executions of `queue` that were abandoned since the last search; return how many there were.

    Two workers may do so at once: the recorder counts an execution only for the first.

    Args:
        connection: where RQ's keys are.
        recorder: writes what is found.
        queue: name of the queue.
        registry_key: RQ's sorted set of the queue's started executions, as `<job id>:<execution id>`.
    """
    if not connection.hlen(running_key(queue)):
        return 0
    if not connection.set(search_lock_key(queue), 1, nx=True, ex=SEARCH_INTERVAL):
        return 0
    # In this order: an execution that starts in between is in neither, one that ends is counted already.
    running = _running_jobs(connection, queue)
    started = set(cast("list[bytes]", connection.zrange(registry_key, 0, -1)))
    lost = {
        execution_id: job
        for execution_id, job in running.items()
        if f"{job.job_id}:{execution_id}".encode() not in started
    }
    abandoned = _without_living_worker(connection, lost)
    for execution_id, job in abandoned.items():
        end = End(execution_id, job.job_id, queue, job.function, "abandoned", ABANDONED)
        recorder.record_end(connection, end)
        logger.warning(
            "abandoned job=%s queue=%s function=%s",
            job.job_id,
            queue,
            job.function,
            extra={"job_id": job.job_id, "queue": queue, "function": job.function},
        )
    return len(abandoned)


def _running_jobs(connection: Redis, queue: str) -> dict[str, RunningJob]:
    jobs = {}
    for execution_id, text in cast("dict[bytes, bytes]", connection.hgetall(running_key(queue))).items():
        try:
            jobs[execution_id.decode()] = RunningJob.decode(text.decode())
        except ValueError as error:
            logger.warning("%s: passed over: %s", running_key(queue), error)
    return jobs


def _without_living_worker(connection: Redis, jobs: dict[str, RunningJob]) -> dict[str, RunningJob]:
    """A job that was deleted while it runs has left the registry, too, but its worker will still end it."""
    with connection.pipeline(transaction=False) as pipeline:
        for job in jobs.values():
            pipeline.hmget(job.worker_key, ["birth", "last_heartbeat"])
        workers = pipeline.execute()
    return {
        execution_id: job
        for (execution_id, job), worker in zip(jobs.items(), workers, strict=True)
        if not _has_living_worker(job, *worker)
    }


def _has_living_worker(job: RunningJob, birth: bytes | None, last_heartbeat: bytes | None) -> bool:
    if birth != job.worker_birth.encode() or last_heartbeat is None:
        return False
    dead_at = utcparse(last_heartbeat.decode()).timestamp() + job.heartbeat_ttl
    return time.time() < min(dead_at, job.deadline)

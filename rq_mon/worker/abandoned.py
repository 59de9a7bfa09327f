"""Finds executions whose worker died, and counts each once.

RQ's registry maintenance fails or retries an abandoned job, whichever process runs it: worker, `rq info`,
rq-dashboard. It informs only a worker's exception handlers, outside its transaction. So we do not rely on
it: an execution was abandoned if we list it as running (recorder.py) and RQ's registry does not have it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry
from rq.results import Result
from rq.utils import utcparse
from rq.worker import Worker

from rq_mon.catalogue import ABANDONED, MONITORED_QUEUES_KEY, Outcome
from rq_mon.series import counted_key, running_key, search_lock_key
from rq_mon.worker.recorder import End, JobRecorder
from rq_mon.worker.scripts import ABANDONED_ENDS_WITHIN

logger = logging.getLogger(__name__)

KNOWN_ENDS: dict[bytes, Outcome] = {
    JobStatus.FINISHED.value.encode(): "success",
    JobStatus.STOPPED.value.encode(): "stopped",
}
"""States that only its worker gives a job -> outcome."""

FIELD_SEPARATOR = "\x1f"
"""Not JSON: a work horse is a fork, and each page of memory that its worker touches for a job is copied."""

SEARCH_INTERVAL = 5
"""Seconds between two searches of a queue, whatever the number of workers."""


class RunningExecution(NamedTuple):
    """The facts about an execution at its start."""

    job_id: str
    worker_key: str
    worker_birth: str
    """As in the worker's hash, to distinguish it from a later worker of the same name."""
    heartbeat_ttl: float
    """Seconds without a heartbeat after which the worker counts as dead."""
    deadline: float
    """Unix time of the job's timeout; infinite without one."""
    function: str
    """The last field, because it may contain anything."""

    def encode(self) -> str:
        """Return the value for the hash of running executions."""
        return FIELD_SEPARATOR.join(map(str, self))

    @classmethod
    def decode(cls, text: str) -> RunningExecution:
        """Read a value that `encode` wrote. Raises ValueError for anything else."""
        fields = text.split(FIELD_SEPARATOR, len(cls._fields) - 1)
        if len(fields) != len(cls._fields):
            raise ValueError(f"expected a running job, got {text!r}")
        job_id, worker_key, worker_birth, heartbeat_ttl, deadline, function = fields
        return cls(job_id, worker_key, worker_birth, float(heartbeat_ttl), float(deadline), function)


def unstarted(job_id: str, enqueued_at: str) -> str:
    """Return the abandoned execution of a job that lost its worker before RQ recorded its start."""
    return f"{job_id}:{enqueued_at}"


def queues_with_running_jobs(connection: Redis, own: Sequence[str]) -> list[str]:
    """Return the queues with uncounted executions: a worker's own, and those that others left.

    The last worker that counts jobs may have left a queue.
    """
    monitored = cast("set[bytes]", connection.smembers(MONITORED_QUEUES_KEY))
    names = sorted({*own, *(name.decode(errors="surrogateescape") for name in monitored)})
    with connection.pipeline(transaction=False) as sizes:
        for name in names:
            sizes.exists(running_key(name))
        return [name for name, exists in zip(names, sizes.execute(), strict=True) if exists]


def count_abandoned(connection: Redis, recorder: JobRecorder, queue: str) -> int:
    """Count the executions of `queue` that were abandoned since the last search; return their number.

    Two workers may do this at once: the recorder counts each execution only once.

    Args:
        connection: the Redis with RQ's keys.
        recorder: writes the counts.
        queue: name of the queue.
    """
    if not connection.hlen(running_key(queue)):
        return 0
    if not connection.set(search_lock_key(queue), 1, nx=True, ex=SEARCH_INTERVAL):
        return 0
    lost = lost_executions(connection, queue)
    ended = _ended_uncounted(connection, lost)
    for execution_id, outcome in ended.items():
        job = lost.pop(execution_id)
        recorder.record_end(connection, End(execution_id, job.job_id, queue, job.function, outcome))
    for execution_id, job in lost.items():
        end = End(execution_id, job.job_id, queue, job.function, "abandoned", ABANDONED)
        recorder.record_end(connection, end)
        _note_as_counted(connection, queue, job.job_id)
        logger.warning(
            "abandoned job=%s queue=%s function=%s",
            job.job_id,
            queue,
            job.function,
            extra={"job_id": job.job_id, "queue": queue, "function": job.function},
        )
    return len(lost)


def _ended_uncounted(connection: Redis, lost: dict[str, RunningExecution]) -> dict[str, Outcome]:
    """Return the executions whose end RQ knows, though their worker could not count it.

    The job's last result must not be of another execution, as the same worker may have run the job again. RQ
    2.12 does not name the execution if it had to repeat its transaction. Failures and retries stay unknown:
    they look like what RQ does with the jobs of a dead worker.
    """
    with connection.pipeline(transaction=False) as pipeline:
        for job in lost.values():
            pipeline.hget(job.worker_key, "birth")
            pipeline.hmget(Job.key_for(job.job_id), ["status", "worker_name"])
            pipeline.xrevrange(Result.get_key(job.job_id), count=1)  # type: ignore[no-untyped-call]
        answers = pipeline.execute()
    return {
        execution_id: KNOWN_ENDS[status]
        for (execution_id, job), birth, (status, worker), results in zip(
            lost.items(), answers[::3], answers[1::3], answers[2::3], strict=True
        )
        if status in KNOWN_ENDS
        and {result.get(b"execution_id") for _, result in results} <= {None, execution_id.encode()}
        and birth == job.worker_birth.encode()
        and worker is not None
        and job.worker_key == f"{Worker.redis_worker_namespace_prefix}{worker.decode(errors='replace')}"
    }


def lost_executions(connection: Redis, queue: str, *, patient: bool = True) -> dict[str, RunningExecution]:
    """Return the executions of a queue that are listed as running, but that neither RQ nor a worker has.

    Args:
        connection: the Redis with RQ's keys.
        queue: name of the queue.
        patient: whether to wait for an unknown worker until its job must have ended.
    """
    registry_key = StartedJobRegistry.key_template.format(queue)
    # In this order: an execution that starts in between is in neither; one that ends is already counted.
    running = _running_jobs(connection, queue)
    started = set(cast("list[bytes]", connection.zrange(registry_key, 0, -1)))
    lost = {
        execution_id: job
        for execution_id, job in running.items()
        if f"{job.job_id}:{execution_id}".encode() not in started
    }
    return _without_living_worker(connection, lost, patient)


def _note_as_counted(connection: Redis, queue: str, job_id: str) -> None:
    """RQ may find the job a second time in its intermediate queue, if its work horse had not started it.

    A job that waits again was retried by RQ. If it is lost again, it counts again.
    """
    if connection.lpos(f"{Queue.redis_queue_namespace_prefix}{queue}", job_id) is not None:
        return
    enqueued_at = cast("bytes | None", connection.hget(Job.key_for(job_id), "enqueued_at"))
    if enqueued_at:
        key = counted_key(unstarted(job_id, enqueued_at.decode(errors="replace")))
        connection.set(key, 1, ex=ABANDONED_ENDS_WITHIN)


def _running_jobs(connection: Redis, queue: str) -> dict[str, RunningExecution]:
    jobs = {}
    for execution_id, text in cast("dict[bytes, bytes]", connection.hgetall(running_key(queue))).items():
        try:
            jobs[execution_id.decode()] = RunningExecution.decode(text.decode())
        except ValueError as error:
            logger.warning("%s: skipped: %s", running_key(queue), error)
    return jobs


def _without_living_worker(
    connection: Redis, jobs: dict[str, RunningExecution], patient: bool
) -> dict[str, RunningExecution]:
    """Leave out jobs of live workers: these workers will also end a job that was deleted while it runs."""
    with connection.pipeline(transaction=False) as pipeline:
        for job in jobs.values():
            pipeline.hmget(job.worker_key, ["birth", "last_heartbeat"])
            pipeline.hget(Job.key_for(job.job_id), "status")
        answers = pipeline.execute()
    return {
        execution_id: job
        for (execution_id, job), worker, status in zip(jobs.items(), answers[::2], answers[1::2], strict=True)
        if not _has_living_worker(job, *worker, may_return=patient and status in LEFT_BY_HAND)
    }


LEFT_BY_HAND = (None, JobStatus.CANCELED.value.encode())
"""States of a job that an application removed from RQ's registry while it ran: deleted, and cancelled."""


def _has_living_worker(
    job: RunningExecution, birth: bytes | None, last_heartbeat: bytes | None, *, may_return: bool
) -> bool:
    if birth is None and may_return:
        return time.time() < job.deadline  # Redis may have lost a live worker, which will report again
    if birth != job.worker_birth.encode() or last_heartbeat is None:
        return False
    dead_at = utcparse(last_heartbeat.decode()).timestamp() + job.heartbeat_ttl
    return time.time() < min(dead_at, job.deadline)

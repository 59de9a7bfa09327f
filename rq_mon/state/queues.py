"""Queues and the registries of their jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from rq import Queue
from rq.job import JobStatus
from rq.registry import (
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)

from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import Reading
from rq_mon.state.round_trip import Command
from rq_mon.state.values import Fields, job_key, names_of

KEY_PREFIX = Queue.redis_queue_namespace_prefix.encode()

REGISTRIES = {
    JobStatus.STARTED: StartedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.FINISHED: FinishedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.FAILED: FailedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.DEFERRED: DeferredJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.SCHEDULED: ScheduledJobRegistry.key_template.removesuffix("{0}").encode(),
}
"""Start of the key of each registry; the queue's name follows."""

STATUSES = (JobStatus.QUEUED, *REGISTRIES)

Count = int | None


@dataclass(slots=True)
class QueueFacts:
    """One queue; a number that cannot be read is None."""

    raw_name: bytes
    jobs: dict[JobStatus, Count]
    stuck: Count = field(init=False)
    """Started jobs whose heartbeat has expired."""
    overdue: Count = field(init=False)
    """Scheduled jobs whose time has come."""
    oldest_job_age: float | None = field(init=False)
    """Seconds since the job at the head was enqueued; 0 when there is none."""

    def __post_init__(self) -> None:
        """Among no jobs none is stuck; among an unknown number an unknown number is."""
        self.stuck = 0 if self.jobs[JobStatus.STARTED] == 0 else None
        self.overdue = 0 if self.jobs[JobStatus.SCHEDULED] == 0 else None
        self.oldest_job_age = 0.0 if self.jobs[JobStatus.QUEUED] == 0 else None


def read_queues(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read every queue that RQ knows, by name. Scores and dates are compared with `now`, a Unix time."""
    fields = Fields("queues", errors)
    queues = yield from read_job_counts(errors)
    started, scheduled, queued = (
        [queue for queue in queues.values() if queue.jobs[status]]
        for status in (JobStatus.STARTED, JobStatus.SCHEDULED, JobStatus.QUEUED)
    )
    wip, due = REGISTRIES[JobStatus.STARTED], REGISTRIES[JobStatus.SCHEDULED]
    answers = yield [
        *(("ZCOUNT", wip + queue.raw_name, 0, now) for queue in started),
        *(("ZCOUNT", due + queue.raw_name, 0, now) for queue in scheduled),
        *(("LINDEX", KEY_PREFIX + queue.raw_name, 0) for queue in queued),
    ]
    replies = iter(answers)
    for queue in started:
        queue.stuck = next(replies)
    for queue in scheduled:
        queue.overdue = next(replies)

    heads = [(queue, job_id) for queue, job_id in zip(queued, replies, strict=True) if job_id is not None]
    moments = yield [("HGET", job_key(job_id), "enqueued_at") for _, job_id in heads]
    for (queue, job_id), enqueued_at in zip(heads, moments, strict=True):
        if enqueued_at:  # a job can expire or be deleted while its id is still in the list
            moment = fields.timestamp(enqueued_at, "enqueued_at of job", job_id)
            queue.oldest_job_age = max(0.0, now - moment) if moment is not None else None
    return queues


def read_job_counts(errors: Errors) -> Reading[dict[str, QueueFacts]]:
    """Read what rq-exporter needs: how many jobs of every queue are in which state."""
    fields = Fields("queues", errors)
    (members,) = yield [("SMEMBERS", Queue.redis_queues_keys)]
    keys = names_of(filter(None, members or ()), KEY_PREFIX, Queue.redis_queues_keys, fields)
    raw_names = {name: key.removeprefix(KEY_PREFIX) for name, key in keys.items()}
    counts = yield [command for raw_name in raw_names.values() for command in _count(raw_name)]
    replies = iter(counts)
    return {
        name: QueueFacts(raw_name, dict(zip(STATUSES, islice(replies, len(STATUSES)), strict=True)))
        for name, raw_name in raw_names.items()
    }


def _count(queue: bytes) -> list[Command]:
    return [("LLEN", KEY_PREFIX + queue), *(("ZCARD", registry + queue) for registry in REGISTRIES.values())]

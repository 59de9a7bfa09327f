"""Queues and the registries of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import (
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)

from scheduler.exporter.errors import Errors
from scheduler.exporter.reading.pipeline import Command, Reading
from scheduler.exporter.reading.values import Fields, label_text

KEY_PREFIX = Queue.redis_queue_namespace_prefix.encode()
JOB_KEY_PREFIX = Job.redis_job_namespace_prefix.encode()

STARTED = StartedJobRegistry.key_template.removesuffix("{0}").encode()
SCHEDULED = ScheduledJobRegistry.key_template.removesuffix("{0}").encode()

REGISTRIES = {
    JobStatus.STARTED: STARTED,
    JobStatus.FINISHED: FinishedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.FAILED: FailedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.DEFERRED: DeferredJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.SCHEDULED: SCHEDULED,
}
"""Start of the key of each registry; the queue's name follows."""

Count = int | None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One queue; a number that cannot be read is None."""

    jobs: dict[JobStatus, Count]
    stuck: Count
    """Started jobs whose heartbeat has expired."""
    overdue: Count
    """Scheduled jobs whose time has come."""
    oldest_job_age: float | None
    """Seconds since the job at the head was enqueued; 0 when there is none."""


def read_queues(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read every queue that RQ knows, by name. Scores and dates are compared with `now`, a Unix time."""
    fields = Fields("queues", errors)
    (members,) = yield [("SMEMBERS", Queue.redis_queues_keys)]
    names = _names(members or (), fields)
    per_queue = [_commands(raw, now) for raw in names.values()]
    replies = iter((yield [command for commands in per_queue for command in commands]))
    rows = {name: [next(replies) for _ in commands] for name, commands in zip(names, per_queue, strict=True)}

    heads = {name: row[-1] for name, row in rows.items() if row[-1] is not None}
    enqueued = yield [("HGET", JOB_KEY_PREFIX + job_id, "enqueued_at") for job_id in heads.values()]
    moments = dict(zip(heads, enqueued, strict=True))
    return {name: _queue(name, row, moments.get(name), now, fields) for name, row in rows.items()}


def _names(members: Sequence[bytes], fields: Fields) -> dict[str, bytes]:
    """Queue names as they are shown, with the names as they are."""
    names: dict[str, bytes] = {}
    for member in sorted(members):
        raw = member.removeprefix(KEY_PREFIX)
        name = label_text(raw)
        if raw == member or name in names:
            fields.skip(
                f"{member[:100]!r} in {Queue.redis_queues_keys} is no key of a queue, or looks like another"
            )
        else:
            names[name] = raw
    return names


def _commands(queue: bytes, now: float) -> list[Command]:
    return [
        ("LLEN", KEY_PREFIX + queue),
        *(("ZCARD", registry + queue) for registry in REGISTRIES.values()),
        ("ZCOUNT", STARTED + queue, 0, now),
        ("ZCOUNT", SCHEDULED + queue, 0, now),
        ("LINDEX", KEY_PREFIX + queue, 0),
    ]


def _queue(
    name: str, row: Sequence[Any], enqueued_at: bytes | None, now: float, fields: Fields
) -> QueueFacts:
    length, *registries, stuck, overdue, head = row
    age = 0.0 if length == 0 else None
    if enqueued_at and head is not None:
        moment = fields.timestamp(enqueued_at, f"enqueued_at of the job at the head of queue {name}")
        age = max(0.0, now - moment) if moment is not None else None
    jobs = {JobStatus.QUEUED: length, **dict(zip(REGISTRIES, registries, strict=True))}
    return QueueFacts(jobs=jobs, stuck=stuck, overdue=overdue, oldest_job_age=age)

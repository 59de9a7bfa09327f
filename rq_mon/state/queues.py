"""Queues and the registries of their jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from rq import Queue
from rq.job import JobStatus
from rq.registry import (
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)

from rq_mon.state.deferred_jobs import read_stuck_deferred
from rq_mon.state.errors import Errors
from rq_mon.state.oldest_job import read_oldest
from rq_mon.state.pipeline import Reading, side_by_side
from rq_mon.state.rate_limits import RATE_LIMITED, read_held_back
from rq_mon.state.round_trip import Command
from rq_mon.state.values import Fields, label_text, names_of

KEY_PREFIX = Queue.redis_queue_namespace_prefix.encode()

REGISTRIES = {
    JobStatus.STARTED: StartedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.FINISHED: FinishedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.FAILED: FailedJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.DEFERRED: DeferredJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.SCHEDULED: ScheduledJobRegistry.key_template.removesuffix("{0}").encode(),
    JobStatus.CANCELED: CanceledJobRegistry.key_template.removesuffix("{0}").encode(),
}
"""Prefix of each registry's key; the queue's name follows."""

EXPIRING = (JobStatus.FINISHED, JobStatus.FAILED)
"""Registries sorted by expiry; below 0: never. RQ removes expired ids when a worker comes."""

STATUSES = tuple(status.value for status in (JobStatus.QUEUED, *REGISTRIES))
"""The states that have a list or registry of the queue."""
ALL_STATUSES = (*STATUSES, RATE_LIMITED)

Count = int | None


@dataclass(slots=True)
class QueueFacts:
    """One queue; unreadable numbers are None."""

    raw_name: bytes
    jobs: dict[str, Count]
    """Jobs by status, without finished and failed jobs that have expired."""
    stuck: Count = field(init=False)
    """Started jobs whose heartbeat has expired."""
    overdue: Count = field(init=False)
    """Scheduled jobs that are overdue."""
    stuck_deferred: Count = field(init=False)
    """Deferred jobs that will never run, because of their dependencies."""
    oldest_job_age: float | None = field(init=False)
    """Seconds since the oldest job found was enqueued; 0 in an empty queue, None if no job was found."""

    def __post_init__(self) -> None:
        """Of no jobs, none is stuck; of an unknown number of jobs, an unknown number is."""
        self.stuck = 0 if self.jobs[JobStatus.STARTED] == 0 else None
        self.overdue = 0 if self.jobs[JobStatus.SCHEDULED] == 0 else None
        self.stuck_deferred = 0 if self.jobs[JobStatus.DEFERRED] == 0 else None
        self.oldest_job_age = 0.0 if self.jobs[JobStatus.QUEUED] == 0 else None


def read_queues(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read every queue of RQ, by name. Scores and dates are compared with `now`, a Unix time."""
    queues: dict[str, QueueFacts]
    queues, held_back = yield from side_by_side(_read_listed(errors, now), read_held_back())
    for name in held_back or ():
        if name not in queues:  # it is not on RQ's list any more, but its jobs remain
            queues[name] = QueueFacts(name.encode(), dict.fromkeys(STATUSES, 0))
    for name, queue in queues.items():
        queue.jobs[RATE_LIMITED] = None if held_back is None else held_back.get(name, 0)
    return queues


def read_job_counts(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read the number of jobs by state for every queue, without rate-limited jobs."""
    fields = Fields("queues", errors)
    (members,) = yield [("SMEMBERS", Queue.redis_queues_keys)]
    keys = names_of(filter(None, members or ()), KEY_PREFIX, Queue.redis_queues_keys, fields)
    raw_names = {name: key.removeprefix(KEY_PREFIX) for name, key in keys.items()}
    counts = {name: _counts(raw_name, now) for name, raw_name in raw_names.items()}
    numbers = iter((yield from _read_numbers([asked for each in counts.values() for asked in each])))
    return {
        name: QueueFacts(raw_names[name], dict(zip(STATUSES, islice(numbers, len(STATUSES)), strict=True)))
        for name in counts
    }


def read_jobs_of_queue(raw_name: bytes, now: float) -> Reading[dict[str, Count]]:
    """Read the number of jobs by state for one queue, even if RQ does not list it."""
    asked = _counts(raw_name, now)
    numbers, held_back = yield from side_by_side(_read_numbers(asked), read_held_back())
    limited = None if held_back is None else held_back.get(label_text(raw_name), 0)
    return {**dict(zip(STATUSES, numbers, strict=True)), RATE_LIMITED: limited}


def _read_numbers(asked: Sequence[Sequence[Command]]) -> Reading[list[Count]]:
    """Return the sum of the replies for each group of commands."""
    replies = iter((yield [command for group in asked for command in group]))
    return [_sum(islice(replies, len(group))) for group in asked]


def _counts(queue: bytes, now: float) -> list[list[Command]]:
    """Return the commands whose replies add up to each status' count."""
    commands: list[list[Command]] = [[("LLEN", KEY_PREFIX + queue)]]
    for status, key in REGISTRIES.items():
        if status in EXPIRING:
            still, forever = (f"({now}", "+inf"), ("-inf", "(0")
            commands.append([("ZCOUNT", key + queue, *still), ("ZCOUNT", key + queue, *forever)])
        else:
            commands.append([("ZCARD", key + queue)])
    return commands


def _sum(numbers: Iterable[Count]) -> Count:
    known = [*numbers]
    return None if None in known else sum(filter(None, known))


def _read_listed(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read RQ's list of queues."""
    queues = yield from read_job_counts(errors, now)
    queued, deferred = (
        [queue for queue in queues.values() if queue.jobs[status]]
        for status in (JobStatus.QUEUED, JobStatus.DEFERRED)
    )
    lengths = {KEY_PREFIX + queue.raw_name: queue.jobs[JobStatus.QUEUED] or 0 for queue in queued}
    deferred_keys = [REGISTRIES[JobStatus.DEFERRED] + queue.raw_name for queue in deferred]
    _, ages, stuck = yield from side_by_side(
        _read_scores([*queues.values()], now),
        read_oldest(lengths, now, Fields("queues", errors)),
        read_stuck_deferred(deferred_keys),
    )
    for queue in queued:
        queue.oldest_job_age = ages.get(KEY_PREFIX + queue.raw_name)
    for queue, number in zip(deferred, stuck, strict=True):
        queue.stuck_deferred = number
    return queues


def _read_scores(queues: Iterable[QueueFacts], now: float) -> Reading[None]:
    """Read the numbers of stuck and overdue jobs, which RQ should have handled."""
    started, scheduled = (
        [queue for queue in queues if queue.jobs[status]]
        for status in (JobStatus.STARTED, JobStatus.SCHEDULED)
    )
    wip, due = REGISTRIES[JobStatus.STARTED], REGISTRIES[JobStatus.SCHEDULED]
    replies = iter(
        (
            yield [
                *(("ZCOUNT", wip + queue.raw_name, 0, now) for queue in started),
                *(("ZCOUNT", due + queue.raw_name, 0, now) for queue in scheduled),
            ]
        )
    )
    for queue in started:
        queue.stuck = next(replies)
    for queue in scheduled:
        queue.overdue = next(replies)

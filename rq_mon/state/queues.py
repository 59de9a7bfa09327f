"""Queues and the registries of their jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

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
from rq_mon.state.errors import Errors, Problems
from rq_mon.state.memory import Group, Memory, grouped
from rq_mon.state.oldest_job import ids_per_queue, read_oldest
from rq_mon.state.pipeline import Reading, side_by_side
from rq_mon.state.rate_limits import RATE_LIMITED, read_held_back
from rq_mon.state.round_trip import NOW, Command, seconds_text
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

STARTED, SCHEDULED = REGISTRIES[JobStatus.STARTED], REGISTRIES[JobStatus.SCHEDULED]

QUEUES_PER_GROUP = 10
"""Queues that are compared together, about."""

Count = int | None


@dataclass(frozen=True, slots=True)
class QueueJobs:
    """The number of jobs of a queue by status, without finished and failed jobs that have expired."""

    name: str
    raw_name: bytes
    jobs: Mapping[str, Count]
    """None if it cannot be read."""


class Trouble(NamedTuple):
    """What a scheduler or worker should have handled, and the oldest job. None if unknown."""

    stuck: Count
    overdue: Count
    oldest_since: float | None


@dataclass(slots=True)
class QueueFacts:
    """One queue; unreadable numbers are None."""

    raw_name: bytes
    jobs: Mapping[str, Count]
    """Jobs by status, without finished and failed jobs that have expired."""
    stuck: Count
    """Started jobs whose heartbeat has expired."""
    overdue: Count
    """Scheduled jobs that are overdue."""
    stuck_deferred: Count
    """Deferred jobs that will never run, because of their dependencies."""
    oldest_job_age: float | None
    """Seconds since the oldest job found was enqueued; 0 in an empty queue, None if no job was found."""


@dataclass(frozen=True, slots=True)
class KnownQueues:
    """All queues of RQ, and others with rate-limited jobs."""

    groups: Sequence[Group[QueueJobs]]
    facts: dict[str, QueueFacts]
    """The same queues by name."""


def read_queues(errors: Errors, now: float) -> Reading[dict[str, QueueFacts]]:
    """Read every queue of RQ, by name. Scores and dates are compared with `now`, a Unix time."""
    known = yield from read_known_queues(errors, now, Memory())
    return dict(sorted(known.facts.items()))


def read_known_queues(errors: Errors, now: float, memory: Memory) -> Reading[KnownQueues]:
    """Read what changed about the queues since the last time; see `read_queues`."""
    (groups, facts), held_back = yield from side_by_side(
        _read_listed(errors, now, memory),
        memory.read("held back", lambda _: read_held_back(), errors),
    )
    none = dict.fromkeys(STATUSES, 0)
    # Not on RQ's list any more, but their jobs remain.
    unlisted = Group(QueueJobs(name, name.encode(), none) for name in held_back or () if name not in facts)
    facts |= {queue.name: QueueFacts(queue.raw_name, none, 0, 0, 0, 0.0) for queue in unlisted}
    for name, queue in facts.items():
        limited = None if held_back is None else held_back.get(name, 0)
        queue.jobs = {**queue.jobs, RATE_LIMITED: limited}
    return KnownQueues([*groups, unlisted], facts)


def read_job_counts(errors: Errors, now: float) -> Reading[list[QueueJobs]]:
    """Read the number of jobs by state for every queue, without rate-limited jobs."""
    memory = Memory()
    groups = yield from _read_groups(errors, now, memory)
    return [*chain.from_iterable(groups)]


def read_jobs_of_queue(raw_name: bytes, now: float) -> Reading[dict[str, Count]]:
    """Read the number of jobs by state for one queue, even if RQ does not list it."""
    asked = _counts(raw_name, seconds_text(now))
    numbers, held_back = yield from side_by_side(_read_numbers(asked), read_held_back())
    limited = None if held_back is None else held_back.get(label_text(raw_name), 0)
    return {**dict(zip(STATUSES, numbers, strict=True)), RATE_LIMITED: limited}


def _read_listed(
    errors: Errors, now: float, memory: Memory
) -> Reading[tuple[Sequence[Group[QueueJobs]], dict[str, QueueFacts]]]:
    """Read RQ's list of queues."""
    groups = yield from _read_groups(errors, now, memory)
    queues = [*chain.from_iterable(groups)]
    share = ids_per_queue(sum(bool(queue.jobs[JobStatus.QUEUED]) for queue in queues))
    deferred = tuple(queue.raw_name for queue in queues if queue.jobs[JobStatus.DEFERRED])
    *troubles, stuck = yield from side_by_side(
        *(
            memory.read(
                ("trouble", unfinished, share), partial(_read_trouble, unfinished, share), errors, now
            )
            for unfinished in map(_unfinished, groups)
        ),
        memory.read(("deferred", deferred), lambda _: _read_stuck_deferred(deferred), errors),
    )
    facts = {}
    for queue, trouble in zip(queues, chain.from_iterable(troubles), strict=True):
        age = 0.0 if queue.jobs[JobStatus.QUEUED] == 0 else None
        if trouble.oldest_since is not None:
            age = max(0.0, now - trouble.oldest_since)
        unknown = 0 if queue.jobs[JobStatus.DEFERRED] == 0 else None
        facts[queue.name] = QueueFacts(
            raw_name=queue.raw_name,
            jobs=queue.jobs,
            stuck=trouble.stuck,
            overdue=trouble.overdue,
            stuck_deferred=stuck.get(queue.raw_name, unknown),
            oldest_job_age=age,
        )
    return groups, facts


Names = Sequence[tuple[str, bytes]]
"""Shown and stored names of queues."""


def _read_groups(errors: Errors, now: float, memory: Memory) -> Reading[Sequence[Group[QueueJobs]]]:
    groups = yield from memory.read("queues", _read_names, errors)
    return (
        yield from side_by_side(
            *(memory.read(("queues", group), partial(_read_jobs, group), errors, now) for group in groups)
        )
    )


def _read_names(problems: Problems) -> Reading[Sequence[Names]]:
    (members,) = yield [("SMEMBERS", Queue.redis_queues_keys)]
    fields = Fields("queues", problems)
    keys = names_of(filter(None, members or ()), KEY_PREFIX, Queue.redis_queues_keys, fields)
    names = [(name, key.removeprefix(KEY_PREFIX)) for name, key in keys.items()]
    return grouped(names, QUEUES_PER_GROUP, lambda name: name[1])


def _read_jobs(names: Names, _: Problems) -> Reading[Group[QueueJobs]]:
    asked = [_counts(raw_name, NOW) for _, raw_name in names]
    numbers = iter((yield from _read_numbers([each for counts in asked for each in counts])))
    return Group(
        QueueJobs(name, raw_name, dict(zip(STATUSES, islice(numbers, len(STATUSES)), strict=True)))
        for name, raw_name in names
    )


def _read_numbers(asked: Sequence[Sequence[Command]]) -> Reading[list[Count]]:
    """Return the sum of the replies for each group of commands."""
    replies = iter((yield [command for group in asked for command in group]))
    return [_sum(islice(replies, len(group))) for group in asked]


def _counts(queue: bytes, now: str) -> list[list[Command]]:
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


class Unfinished(NamedTuple):
    """The part of a queue's jobs that decides where to look for trouble."""

    queue: bytes
    queued: Count
    is_started: Count
    is_scheduled: Count
    """0, 1 for any number, or None if unknown."""


def _unfinished(group: Group[QueueJobs]) -> tuple[Unfinished, ...]:
    found: tuple[Unfinished, ...] | None = group.made.get(Unfinished)
    if found is None:
        found = group.made[Unfinished] = tuple(
            Unfinished(
                queue.raw_name,
                queue.jobs[JobStatus.QUEUED],
                queue.jobs[JobStatus.STARTED] and 1,
                queue.jobs[JobStatus.SCHEDULED] and 1,
            )
            for queue in group
        )
    return found


def _read_trouble(queues: Sequence[Unfinished], share: int, problems: Problems) -> Reading[list[Trouble]]:
    lengths = {KEY_PREFIX + each.queue: each.queued for each in queues if each.queued}
    overdue, oldest = yield from side_by_side(
        _read_overdue(queues), read_oldest(lengths, share, Fields("queues", problems))
    )
    return [
        Trouble(stuck, late, oldest.get(KEY_PREFIX + each.queue))
        for (stuck, late), each in zip(overdue, queues, strict=True)
    ]


def _read_overdue(queues: Iterable[Unfinished]) -> Reading[list[tuple[Count, Count]]]:
    """Read the numbers of stuck and overdue jobs: 0 of no jobs, None of an unknown number."""
    numbers = {}
    for each in queues:
        numbers[STARTED + each.queue] = each.is_started
        numbers[SCHEDULED + each.queue] = each.is_scheduled
    asked = [key for key, number in numbers.items() if number]
    replies = yield [("ZCOUNT", key, 0, NOW) for key in asked]
    found = [*(numbers | dict(zip(asked, replies, strict=True))).values()]
    return [*zip(found[::2], found[1::2], strict=True)]


def _read_stuck_deferred(queues: Sequence[bytes]) -> Reading[dict[bytes, Count]]:
    """Read all of them together: a job may depend on one in another queue."""
    stuck = yield from read_stuck_deferred([REGISTRIES[JobStatus.DEFERRED] + name for name in queues])
    return dict(zip(queues, stuck, strict=True))

"""Groups failed jobs in parts: the newest first, continued by a cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis import Redis

from rq_mon.state.failed_jobs import count_failed, read_failed_jobs
from rq_mon.state.failure_groups import FailureGroups
from rq_mon.state.failure_selection import Selection, time_now
from rq_mon.state.job_lists import Entry, Place, is_expired, list_of
from rq_mon.state.listed_jobs import IDS_AT_ONCE, JOBS_AT_ONCE, READ_SECONDS


@dataclass(frozen=True, slots=True)
class FailurePage:
    """The groups from one request, and from the requests before it."""

    groups: FailureGroups
    read: int
    """Number of failed jobs that were read, including earlier pages."""
    total: int
    """Number of failed jobs, including expired ones."""
    next_cursor: str | None
    """Cursor for the next page; None at the end."""


def read_failures(
    connection: Redis,
    queues: Sequence[str],
    *,
    cursor: str | None = None,
    selection: Selection | None = None,
    groups: FailureGroups | None = None,
    seconds: float = READ_SECONDS,
) -> FailurePage:
    """Group failed jobs. The jobs that RQ keeps longest come first: usually the newest. Queues come by name.

    Args:
        connection: the Redis to read.
        queues: the queues to read.
        cursor: from the page before; None for the beginning.
        selection: which jobs; None for all.
        groups: groups of the pages before, to add to; None for new ones.
        seconds: time after which it returns what it has found, and a cursor to continue.

    Raises:
        ValueError: the cursor is invalid; the message has it.
        RedisError: Redis cannot be read.
    """
    deadline = time.monotonic() + seconds
    place, names = Place.from_text(cursor), sorted(queues)
    before = [name for name in names if name < place.queue]
    read_before, total = count_failed(connection, before), count_failed(connection, names)
    groups, now = FailureGroups() if groups is None else groups, time_now(connection)
    for name in names[len(before) :]:
        start = place if name == place.queue else Place(queue=name)
        place = start
        for batch, after in _batches(connection, start, now):
            jobs = read_failed_jobs(connection, name, [each.raw_id for each in batch])
            groups.add(job for job in jobs if selection is None or selection.matches(job))
            place = after
            read = read_before + place.position
            if time.monotonic() > deadline and read < total:
                return FailurePage(groups, read, total, place.to_text())
        read_before += place.position
    return FailurePage(groups, total, total, None)


def _batches(connection: Redis, place: Place, now: float) -> Iterator[tuple[list[Entry], Place]]:
    """Yield the failed jobs of a queue that have not expired, and the position after each batch."""
    failed = list_of(connection, place.queue, "failed")
    while entries := failed.entries(place, IDS_AT_ONCE):
        for start in range(0, len(entries), JOBS_AT_ONCE):
            batch = entries[start : start + JOBS_AT_ONCE]
            place = batch[-1].place
            yield [each for each in batch if not is_expired("failed", each.score, now)], place

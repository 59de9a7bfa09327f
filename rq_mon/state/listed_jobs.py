"""A page of a queue's jobs in one state, with a search that continues by a cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis import Redis
from rq.job import JobStatus

from rq_mon.state.failed_jobs import failure_of
from rq_mon.state.failure_selection import time_now
from rq_mon.state.job_lists import Entry, JobState, Place, is_expired, list_of
from rq_mon.state.rate_limits import RATE_LIMITED
from rq_mon.state.stored_jobs import StoredJob, pipeline, read_stored_jobs
from rq_mon.state.values import job_key, label_text, moment_of, number_of

READ_SECONDS = 0.4
"""Seconds after which a request returns what it has found, and a cursor to continue."""

JOBS_AT_ONCE = 50
IDS_AT_ONCE = 500
"""Jobs that Redis reads at once, before it serves other clients."""

WITH_EXCEPTION: tuple[JobState, ...] = ("failed", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedJob:
    """A job in a list, as it was when it was read. Times are Unix times; None if not stored."""

    id: str
    queue: str
    status: str
    """The status in its hash; empty if only its id is left."""
    function: str
    description: str
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    due_at: float | None
    """When a scheduled job is due."""
    worker: str
    timeout: float | None
    """Seconds; None for no limit."""
    exception: str
    """Exception class, as in the metrics; empty unless the job failed or was stopped."""
    last_line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Conditions that jobs must all meet; empty is no condition."""

    id: str = ""
    """Part of the id."""
    function: str = ""
    """Dotted path, or the end of it."""
    exception: str = ""
    """Exception class, without its module."""
    text: str = ""
    """Part of id, function, exception, its line, or description, in any case."""

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.id or self.function or self.exception or self.text)

    def matches(self, job: ListedJob) -> bool:
        """Return whether a job matches."""
        texts = job.id, job.function, job.exception, job.last_line, job.description
        return (
            (not self.function or f".{job.function}".endswith(f".{self.function}"))
            and (not self.exception or job.exception == self.exception)
            and (not self.text or any(self.text.casefold() in text.casefold() for text in texts))
        )


EVERYTHING = Search()


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs of a list."""

    jobs: Sequence[ListedJob]
    read: int
    """Places of the list that were read, including earlier pages."""
    total: int
    """All places of the list; some may belong to jobs that are gone or, if rate-limited, to other queues."""
    next_cursor: str | None
    """Cursor for the next page; None at the end."""


def read_jobs(
    connection: Redis,
    queue: str,
    state: JobState,
    *,
    cursor: str | None = None,
    limit: int = 50,
    search: Search = EVERYTHING,
    newest_first: bool = True,
    seconds: float = READ_SECONDS,
) -> JobPage:
    """Read jobs of a queue, in the order of their list.

    RQ sorts queued jobs by when they were enqueued, deferred and cancelled ones by when they entered that
    state, scheduled ones by when they are due, started ones by when their next heartbeat is due, finished and
    failed ones by when they expire. Newest first is the reverse order.

    Args:
        connection: the Redis to read.
        queue: its name.
        state: which list.
        cursor: from the page before; None for the beginning.
        limit: jobs to return, at most.
        search: which jobs.
        newest_first: whether to read the list from its end.
        seconds: time after which it returns what it has found, and a cursor to continue.

    Raises:
        ValueError: the cursor is invalid; the message has it.
        RedisError: Redis cannot be read.
    """
    deadline = time.monotonic() + seconds
    place = Place.from_text(cursor)
    jobs_of = list_of(connection, queue, state, newest_first=newest_first)
    total, now, found = jobs_of.size(), time_now(connection), list[ListedJob]()
    is_selective = bool(search) or state in ("stopped", RATE_LIMITED)
    while len(found) < limit:
        entries = jobs_of.entries(
            place, IDS_AT_ONCE if is_selective else min(limit - len(found), IDS_AT_ONCE)
        )
        if not entries:
            return JobPage(found, total, total, None)
        wanted = _wanted(connection, entries, queue, state, search, now)
        for batch in _batches(wanted):
            for entry, job in zip(batch, _read(connection, batch, queue, state), strict=True):
                place = entry.place
                if search.matches(job):
                    found.append(job)
                if len(found) == limit:
                    break
            if len(found) == limit or time.monotonic() > deadline:
                break
        else:
            place = entries[-1].place
        if time.monotonic() > deadline:
            break
    is_whole = place.position >= total
    return JobPage(found, min(place.position, total), total, None if is_whole else place.to_text())


def _wanted(
    connection: Redis, entries: Sequence[Entry], queue: str, state: JobState, search: Search, now: float
) -> list[Entry]:
    """Return the jobs that may match, as far as their ids tell."""
    wanted = [
        each
        for each in entries
        if not is_expired(state, each.score, now)
        and search.id in each.raw_id.decode(errors="surrogateescape")
    ]
    if state not in ("stopped", RATE_LIMITED):
        return wanted
    with pipeline(connection) as reads:
        for each in wanted:
            reads.hmget(job_key(each.raw_id), "status", "origin")
        rows = reads.execute(raise_on_error=False)
    expected = [state.encode(), queue.encode(errors="surrogateescape")]
    return [each for each, row in zip(wanted, rows, strict=True) if row == expected]


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + JOBS_AT_ONCE] for start in range(0, len(entries), JOBS_AT_ONCE))


def _read(connection: Redis, entries: Sequence[Entry], queue: str, state: JobState) -> list[ListedJob]:
    with_result = state in WITH_EXCEPTION
    stored_jobs = read_stored_jobs(connection, [each.raw_id for each in entries], with_result=with_result)
    return [_listed(entry, queue, state, stored) for entry, stored in zip(entries, stored_jobs, strict=True)]


def _listed(entry: Entry, queue: str, state: JobState, stored: StoredJob) -> ListedJob:
    fields = stored.fields
    exception, last_line = failure_of(stored) if state in WITH_EXCEPTION else ("", "")
    timeout = number_of(fields["timeout"])
    return ListedJob(
        id=entry.raw_id.decode(errors="surrogateescape"),
        queue=queue,
        status=label_text(fields["status"]),
        function=stored.function,
        description=stored.description,
        created_at=moment_of(fields["created_at"]),
        enqueued_at=moment_of(fields["enqueued_at"]),
        started_at=moment_of(fields["started_at"]),
        ended_at=moment_of(fields["ended_at"]),
        due_at=entry.score if state == JobStatus.SCHEDULED.value else None,
        worker=label_text(fields["worker_name"]),
        timeout=timeout if timeout is not None and timeout > 0 else None,
        exception=exception,
        last_line=last_line,
    )

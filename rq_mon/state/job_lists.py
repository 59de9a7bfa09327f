"""Job ids of a queue by state, page by page, in the order of RQ's list or registry.

A place in a list is a number and the last id that was read. The number alone would skip jobs when others
leave the list meanwhile.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, get_args

from redis import Redis
from redis.exceptions import ResponseError
from rq.job import JobStatus

from rq_mon.state.queues import EXPIRING, KEY_PREFIX, REGISTRIES
from rq_mon.state.rate_limits import HELD_BACK_KEY, LIMITS_KEY
from rq_mon.state.stored_jobs import pipeline

JobState = Literal[
    "queued", "started", "deferred", "scheduled", "finished", "failed", "stopped", "canceled", "rate_limited"
]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
"""RQ keeps stopped jobs in the registry of failed jobs."""

WINDOW = 500
"""Ids around a place in which the last id is searched."""

LARGEST_POSITION = 2**53


@dataclass(frozen=True, slots=True)
class Place:
    """The place up to which a list was read."""

    position: int = 0
    last: bytes = b""
    """The last member that was read; empty at the beginning."""
    queue: str = ""
    """Number of the list, if several are read one after the other."""

    def to_text(self) -> str:
        """Return the place as text for a URL."""
        last = self.last.decode(errors="surrogateescape")
        return urlsafe_b64encode(json.dumps([self.position, last, self.queue]).encode()).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """Return the place that `to_text` wrote; the beginning for None or an empty text.

        Raises:
            ValueError: it is invalid; the message has it.
        """
        if not text:
            return cls()
        try:
            position, last, queue = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not 0 <= int(position) <= LARGEST_POSITION or not isinstance(queue, str):
                raise ValueError(position)  # noqa: TRY301
            return cls(int(position), last.encode(errors="surrogateescape"), queue)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"cursor: expected one that a page gave, got {text[:100]!r}") from error


@dataclass(frozen=True, slots=True)
class Entry:
    """A job's place in a list."""

    member: bytes
    raw_id: bytes
    score: float | None
    """The registry's score; None in a queue."""
    place: Place
    """The place after this job."""


class JobList(Protocol):
    """A list of job ids in a fixed order."""

    def size(self) -> int:
        """Return the number of ids; 0 if the key has a wrong type."""

    def entries(self, place: Place, number: int) -> Sequence[Entry]:
        """Return the next ids after a place; empty at the end."""


def list_of(connection: Redis, queue: str, state: JobState, *, newest_first: bool = True) -> JobList:
    """Return the list of a queue's jobs in a state; queues share the list of rate-limited jobs."""
    name = queue.encode(errors="surrogateescape")
    if state == "queued":
        return _Queue(connection, KEY_PREFIX + name, newest_first)
    if state == "rate_limited":
        return _HeldBack(connection, newest_first)
    status = JobStatus.FAILED if state == "stopped" else JobStatus(state)
    return _Registry(connection, REGISTRIES[status] + name, newest_first, is_of_executions=state == "started")


def is_expired(state: JobState, score: float | None, now: float) -> bool:
    """Return whether a job has expired: RQ keeps its id until it cleans up."""
    expires = state == "stopped" or state in EXPIRING
    return expires and score is not None and 0 <= score <= now


@dataclass(frozen=True, slots=True)
class _Registry:
    """A sorted set."""

    connection: Redis
    key: bytes
    newest_first: bool
    is_of_executions: bool = False

    def size(self) -> int:
        return _number(self.connection.zcard, self.key)

    def entries(self, place: Place, number: int) -> list[Entry]:
        start = self._after(place)
        try:
            found: Any = self.connection.zrange(
                self.key,
                start,
                start + number - 1,
                desc=self.newest_first,
                withscores=True,
            )
        except ResponseError:
            return []
        return [
            Entry(member, self._job_of(member), score, Place(start + index, member, place.queue))
            for index, (member, score) in enumerate(found, 1)
        ]

    def _after(self, place: Place) -> int:
        """Find the place again by the last id that was read, as members before it come and go."""
        if not place.last:
            return place.position
        rank_of: Any = self.connection.zrevrank if self.newest_first else self.connection.zrank
        try:
            rank = rank_of(self.key, place.last)
        except ResponseError:
            return place.position
        return place.position if rank is None else rank + 1

    def _job_of(self, member: bytes) -> bytes:
        """Return the job id: RQ lists started jobs as `<job id>:<execution id>`."""
        return (member.rpartition(b":")[0] or member) if self.is_of_executions else member


@dataclass(frozen=True, slots=True)
class _Queue:
    """A Redis list: RQ adds on the right, and takes from the left."""

    connection: Redis
    key: bytes
    newest_first: bool

    def size(self) -> int:
        return _number(self.connection.llen, self.key)

    def entries(self, place: Place, number: int) -> list[Entry]:
        start = self._after(place)
        return [
            Entry(raw_id, raw_id, None, Place(start + index, raw_id, place.queue))
            for index, raw_id in enumerate(self._ids(start, number), 1)
        ]

    def _after(self, place: Place) -> int:
        if not place.last:
            return place.position
        begin = max(0, place.position - WINDOW)
        near = self._ids(begin, 2 * WINDOW)
        return begin + near.index(place.last) + 1 if place.last in near else place.position

    def _ids(self, start: int, number: int) -> list[bytes]:
        ends = (-start - number, -start - 1) if self.newest_first else (start, start + number - 1)
        try:
            found: Any = self.connection.lrange(self.key, *ends)  # type: ignore[arg-type]
        except ResponseError:
            return []
        return [*(reversed(found) if self.newest_first else found)]


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """The sorted sets of all rate limits, one after the other."""

    connection: Redis
    newest_first: bool

    def size(self) -> int:
        return sum(self._sizes().values())

    def entries(self, place: Place, number: int) -> list[Entry]:
        start = place.position
        for key, size in self._sizes().items():
            if start < size:
                before = place.position - start
                found = _Registry(self.connection, key, self.newest_first).entries(Place(start), number)
                return [
                    Entry(each.member, each.raw_id, each.score, Place(before + each.place.position))
                    for each in found
                ]
            start -= size
        return []

    def _sizes(self) -> dict[bytes, int]:
        try:
            limits: Any = self.connection.smembers(LIMITS_KEY)  # type: ignore[arg-type]
        except ResponseError:
            return {}
        keys = [HELD_BACK_KEY % limit for limit in sorted(limits)]
        with pipeline(self.connection) as reads:
            for key in keys:
                reads.zcard(key)
            sizes = reads.execute(raise_on_error=False)
        return {key: size for key, size in zip(keys, sizes, strict=True) if isinstance(size, int)}


def _number(count: Any, key: bytes) -> int:
    try:
        return int(count(key))
    except ResponseError:
        return 0

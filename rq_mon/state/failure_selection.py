"""Selects failed jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import NoPermissionError

from rq_mon.connection.clock import redis_time
from rq_mon.state.failed_jobs import FailedJob, count_failed, pages_of_ids, pages_of_queue, queues_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Conditions that failed jobs must all meet; None or empty is no condition."""

    ids: tuple[str, ...] = ()
    queue: str | None = None
    function: str | None = None
    """Dotted path, or the end of it."""
    is_whole_path: bool = False
    """Whether `function` is the whole path: then `charge` does not match `shop.charge`."""
    exception: str | None = None
    """Exception class, without its module."""
    failed_after: float | None = None
    failed_before: float | None = None
    """Unix times, by the clock of Redis."""
    not_later_than: float | None = None
    """A Unix time. Jobs that failed later do not match; jobs without a failure time do."""

    def matches(self, job: FailedJob) -> bool:
        """Return whether a job matches. One without a failure time matches no condition on time."""
        at = job.failed_at
        return (
            (self.queue is None or job.queue == self.queue)
            and (self.function is None or self._names(job.function))
            and (self.exception is None or job.exception == self.exception)
            and (self.failed_after is None or (at is not None and at >= self.failed_after))
            and (self.failed_before is None or (at is not None and at <= self.failed_before))
            and (self.not_later_than is None or at is None or at <= self.not_later_than)
        )

    def _names(self, function: str) -> bool:
        return function == self.function or (
            not self.is_whole_path and function.endswith(f".{self.function}")
        )

    def size(self, connection: Redis) -> int:
        """Return how many jobs have to be read."""
        return len(self.ids) or count_failed(connection, self._queues(connection))

    def pages(self, connection: Redis) -> Iterator[tuple[int, list[FailedJob]]]:
        """Yield, page by page, the number of jobs read and those that match."""
        if self.ids:
            pages = pages_of_ids(connection, self.ids)
        else:
            queues = self._queues(connection)
            now = time_now(connection) if self.not_later_than is None else self.not_later_than
            pages = (page for queue in queues for page in pages_of_queue(connection, queue, now))
        for page in pages:
            yield len(page), [job for job in page if self.matches(job)]

    def _queues(self, connection: Redis) -> list[str]:
        return [self.queue] if self.queue is not None else queues_of(connection)


def time_now(connection: Redis) -> float:
    """Return the time by the clock of Redis; by our own if the user may not call TIME."""
    try:
        return redis_time(connection)
    except NoPermissionError:
        return time.time()

"""Which failed jobs are meant."""

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
    """Failed jobs that meet all that is said; what is None or empty says nothing."""

    ids: tuple[str, ...] = ()
    queue: str | None = None
    function: str | None = None
    """Dotted path, or its last parts."""
    is_whole_path: bool = False
    """Whether `function` is the whole path: `charge` is then not `shop.charge`."""
    exception: str | None = None
    """Class, without its module."""
    failed_after: float | None = None
    failed_before: float | None = None
    """Unix times, by the clock of Redis."""
    not_later_than: float | None = None
    """A Unix time; a job that failed later is not meant, one whose time is not known is."""

    def matches(self, job: FailedJob) -> bool:
        """Tell whether a job is meant; of one whose time is not known, neither time can be said."""
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
        """Return how many jobs are to be looked at."""
        return len(self.ids) or count_failed(connection, self._queues(connection))

    def pages(self, connection: Redis) -> Iterator[tuple[int, list[FailedJob]]]:
        """Give, page by page, how many jobs were looked at, and those of them that are meant."""
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
    """Return the time by the clock of Redis; by our own where the user may not ask for it."""
    try:
        return redis_time(connection)
    except NoPermissionError:
        return time.time()

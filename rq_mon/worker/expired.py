"""Counts jobs that expired before a worker started them.

When a job with a ttl expires, its id stays in the queue. RQ takes such an id out, finds no job, and silently
continues with the next. Expired deferred and scheduled jobs are found in maintenance.

The reason why a job is gone is not known. Deleted and cancelled jobs do not count: RQ and this package take
their ids out of the queue. But these look like expired jobs: a job that Redis evicted, or whose key was
deleted by hand; a job that is deleted when a worker has its id and not yet the job; and the second id of a
job that was enqueued twice, if its first run kept no result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import redis
from rq import Queue
from rq.utils import as_text

from rq_mon.worker.missing_jobs import MissingJobs
from rq_mon.worker.recorder import JobRecorder
from rq_mon.worker.survival import SurvivesApplicationMixin


class NoticesExpired(Queue):
    """Within one dequeue_any, RQ takes a second id only if the first has no job."""

    notice: ClassVar[Callable[[str], None]]
    _taken_from: ClassVar[str | None] = None
    """The queue of the last id."""

    @classmethod
    def dequeue_any(cls, *args: Any, **kwargs: Any) -> Any:
        """Take a job and its queue."""
        cls._taken_from = None
        return super().dequeue_any(*args, **kwargs)

    @classmethod
    def lmove(cls, *args: Any, **kwargs: Any) -> Any:
        """Take an id from the only queue."""
        cls._notice_the_last()
        return cls._remember(super().lmove(*args, **kwargs))

    @classmethod
    def lpop(cls, *args: Any, **kwargs: Any) -> Any:
        """Take an id from the first queue that has one."""
        cls._notice_the_last()
        return cls._remember(super().lpop(*args, **kwargs))

    @classmethod
    def _notice_the_last(cls) -> None:
        queue, cls._taken_from = cls._taken_from, None
        if queue is not None:
            cls.notice(queue)

    @classmethod
    def _remember(cls, taken: tuple[str | bytes, bytes] | None) -> tuple[str | bytes, bytes] | None:
        if taken is not None:
            cls._taken_from = as_text(taken[0]).removeprefix(cls.redis_queue_namespace_prefix)
        return taken


def noticing_expired(queue_class: type[Queue], notice: Callable[[str], None]) -> type[Queue]:
    """Return a subclass that calls `notice` with the queue's name for each expired job."""
    if issubclass(queue_class, NoticesExpired):
        return queue_class
    own = {"notice": staticmethod(notice), "__module__": queue_class.__module__}
    return type(queue_class.__name__, (NoticesExpired, queue_class), own)


class CountsExpiredMixin(SurvivesApplicationMixin):
    """Makes a worker count the jobs of its queues that expired before they were started."""

    _recorder: JobRecorder | None = None
    """None before the worker starts."""
    _missing_jobs: MissingJobs | None = None
    _has_warned_of_expired: bool = False

    def _notice_expired(self) -> None:
        """Start to count."""
        self.queue_class = noticing_expired(self.queue_class, self._count_expired)
        self._missing_jobs = self._missing_jobs or MissingJobs()

    def _clean(self, queue: Queue) -> None:
        super()._clean(queue)
        if self._missing_jobs is None:
            return
        try:
            expired = self._missing_jobs.take_out(queue)
        except redis.ResponseError as error:
            self.log.warning(
                "Worker %s: cannot look for expired jobs of %s: %s", self.name, queue.name, error
            )
        else:
            if expired:
                self._count_expired(queue.name, expired)

    def _count_expired(self, queue: str, number: int = 1) -> None:
        """Count expired jobs of a queue; warn once per failure to count."""
        if self._recorder is None:
            return
        try:
            problem = self._recorder.record_expired(self.connection, queue, number)
        except redis.RedisError as error:
            problem = str(error)
        if problem and not self._has_warned_of_expired:
            self.log.warning(
                "Worker %s: %d job(s) of %s expired, and could not be counted: %s",
                self.name,
                number,
                queue,
                problem,
            )
        self._has_warned_of_expired = bool(problem)

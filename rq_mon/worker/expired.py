"""Notices jobs that expired before a worker came.

A job with a ttl leaves its id in the queue when it expires. RQ takes such an id out, finds no job, and goes
on to the next without a word. Deferred and scheduled jobs are looked for in maintenance.

Why a job is gone cannot be known. Jobs that were deleted or cancelled are not among those: RQ and this
package take their ids out of the queue. But these look like expired ones: a job that Redis evicted, or whose
key was deleted by hand; one that is deleted while a worker has its id and not yet the job; and the second id
of one that was enqueued twice, if the first run kept no result.
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
    """Within one call of dequeue_any RQ takes a second id only if there is no job behind the first."""

    notice: ClassVar[Callable[[str], None]]
    _taken_from: ClassVar[str | None] = None
    """The queue whose id was taken last."""

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
    """Return a subclass that calls `notice` with the queue's name for each job found to have expired."""
    if issubclass(queue_class, NoticesExpired):
        return queue_class
    own = {"notice": staticmethod(notice), "__module__": queue_class.__module__}
    return type(queue_class.__name__, (NoticesExpired, queue_class), own)


class CountsExpiredMixin(SurvivesApplicationMixin):
    """Makes a worker count the jobs of its queues whose ttl ended before they were started."""

    _recorder: JobRecorder | None = None
    """None before the worker starts."""
    _missing_jobs: MissingJobs | None = None
    _has_warned_of_expired: bool = False

    def _notice_expired(self) -> None:
        """From now on."""
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
        """Count jobs of a queue that no worker ran, and warn once for as long as that is not possible."""
        if self._recorder is None:
            return
        try:
            problem = self._recorder.record_expired(self.connection, queue, number)
        except redis.RedisError as error:
            problem = str(error)
        if problem and not self._has_warned_of_expired:
            self.log.warning(
                "Worker %s: %d job(s) of %s expired, and are not counted: %s",
                self.name,
                number,
                queue,
                problem,
            )
        self._has_warned_of_expired = bool(problem)

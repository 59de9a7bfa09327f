"""Counts ticks of cron jobs that no worker can run: the function is gone, or the arguments are unreadable.

Only a work horse finds out: a cron scheduler may lack the application's code, and never reads arguments.
"""

from __future__ import annotations

from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import redis
from rq.exceptions import DeserializationError
from rq.job import Job

from rq_mon.calls.stored_values import UnreadableError
from rq_mon.catalogue import CRON_JOBS_KEY, CRON_TICKS_KEY
from rq_mon.worker.unread_meta import meta_entry

if TYPE_CHECKING:
    from rq.worker import BaseWorker
else:
    BaseWorker = object

COUNT_FAILED_TICK = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
    redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':failed', 1)
end
"""
"""Skips a cron job that was cancelled meanwhile: its count would stay forever."""


class FailedTicksMixin(BaseWorker):
    """Makes a worker count the ticks that it cannot run, after their last retry."""

    _not_callable: str = ""
    """Id of the job whose function or arguments could not be loaded."""

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Note the error of a job that raised, or could not be called."""
        self._not_callable = "" if was_called(*exc_info) else job.id
        super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Count the tick if its job failed for good."""
        cron_job_id = "" if job.should_retry or self._not_callable != job.id else cron_job_of_tick(job)
        super().handle_job_failure(job, *args, **kwargs)
        if cron_job_id:
            self._count_failed_tick(cron_job_id, job)

    def _count_failed_tick(self, cron_job_id: str, job: Job) -> None:
        self.log.error(
            "Worker %s: failed tick of cron_job=%s: job %s cannot be called", self.name, cron_job_id, job.id
        )
        try:
            self.connection.eval(COUNT_FAILED_TICK, 2, CRON_JOBS_KEY, CRON_TICKS_KEY, cron_job_id)
        except redis.RedisError as error:
            self.log.warning("Worker %s: cannot count that failed tick: %s", self.name, error)


def was_called(kind: type[BaseException], _error: BaseException, traceback: TracebackType | None) -> bool:
    """Return whether RQ had loaded function and arguments of the job before this error."""
    frames: list[FrameType] = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    execute = Job._execute.__code__
    callers = [number for number, frame in enumerate(frames) if frame.f_code is execute]
    if not callers:
        return kind is not DeserializationError
    called = frames[callers[0] + 1 :]  # the job may itself run another job
    return not called or called[0].f_code.co_filename != execute.co_filename


def cron_job_of_tick(job: Job) -> str:
    """Return the id of the job's cron job; empty if it is not a tick."""
    try:
        is_tick, cron_job_id = meta_entry(job, "tick") is not None, meta_entry(job, "cron_job")
    except (UnreadableError, AttributeError):  # the application may put anything there
        return ""
    return cron_job_id if is_tick and isinstance(cron_job_id, str) else ""

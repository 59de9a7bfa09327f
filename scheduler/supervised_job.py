"""Jobs as the stack's own worker sees them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from rq.timeouts import JobTimeoutException

from rq_mon.worker.callbacks import GuardedCallbacksMixin
from rq_mon.worker.maintenance import REDIS_IS_AWAY
from rq_mon.worker.timeouts import DeathPenaltyAfterLogging
from scheduler.apart import GRACE_SECONDS, EndedBadlyError, run_apart
from scheduler.outages import SECONDS_TO_REDIS

logger = logging.getLogger("rq.worker")


class SupervisedJob(GuardedCallbacksMixin):
    """An `rq.job.Job` whose callbacks run in a separate process, with the stack's failure_ttl.

    A job that was enqueued with its own failure_ttl keeps that.
    """

    default_failure_ttl: ClassVar[int | None] = None
    """Seconds; None for RQ's default of a year."""
    _has_begun = False

    @staticmethod
    def meanwhile() -> None:
        """What the worker does while it waits for a callback."""

    def restore(self, raw_data: Any) -> Any:
        """Set the fields from Redis."""
        restored = super().restore(raw_data)
        if self.failure_ttl is None:
            self.failure_ttl = self.default_failure_ttl
        return restored

    def perform(self) -> Any:
        """Run the function; RQ 2.12 first makes the job persistent, which may have to wait for Redis."""
        while True:
            try:
                return super().perform()
            except REDIS_IS_AWAY as error:
                if self._has_begun:
                    raise
                logger.warning("Job %s: waiting for Redis to begin: %s", self.id, error)
                time.sleep(SECONDS_TO_REDIS)

    def _execute(self) -> Any:
        self._has_begun = True
        return super()._execute()

    def _carry_out(self, kind: str, call: Callable[[], None]) -> None:
        seconds: int = getattr(self, f"{kind}_callback_timeout")

        def in_time() -> None:
            try:
                with DeathPenaltyAfterLogging(seconds, JobTimeoutException):  # type: ignore[no-untyped-call]
                    call()
            except BaseException as error:
                self.report_callback(kind, error)

        try:
            run_apart(in_time, seconds + GRACE_SECONDS, self.meanwhile)
        except EndedBadlyError as error:
            self.report_callback(kind, error)


def supervised_job_class(base: type[SupervisedJob], **attributes: Any) -> type[SupervisedJob]:
    """Return a job class for one worker. RQ creates the jobs, so their options must be class attributes.

    Args:
        base: the class to derive from.
        attributes: values for the attributes that `SupervisedJob` declares.
    """
    return type(base.__name__, (base,), attributes)

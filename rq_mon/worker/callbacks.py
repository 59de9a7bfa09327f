"""Callbacks of jobs, guarded so that they cannot change how the job ends."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from redis import Redis
from rq.exceptions import StopRequested
from rq.job import Job

Callback = Callable[..., Any]
Handler = Callable[..., Any]
"""An exception handler of the application: called with the job and exc_info; False ends the chain."""

logger = logging.getLogger("rq.worker")


class GuardedCallbacksMixin(Job):
    """A job class that only logs a callback that raises, takes too long or cannot be imported.

    RQ reads a callback from one of these properties, and calls it with the job, the connection and what it
    knows of the end.
    """

    @property
    def success_callback(self) -> Callback | None:
        """The callback for a job that returned."""
        return self._guarded("success", lambda: super(GuardedCallbacksMixin, self).success_callback)

    @property
    def failure_callback(self) -> Callback | None:
        """The callback for a job that raised, or lost its worker."""
        return self._guarded("failure", lambda: super(GuardedCallbacksMixin, self).failure_callback)

    @property
    def stopped_callback(self) -> Callback | None:
        """The callback for a job that was stopped."""
        return self._guarded("stopped", lambda: super(GuardedCallbacksMixin, self).stopped_callback)

    def _guarded(self, kind: str, load: Callable[[], Callback | None]) -> Callback | None:
        named = getattr(self, f"_{kind}_callback_name")
        return partial(self._call_guarded, kind, load) if named else None

    def _call_guarded(self, kind: str, load: Callable[[], Callback | None], *arguments: Any) -> None:
        self._carry_out(kind, lambda: self._try(kind, load, *arguments))

    def _carry_out(self, _kind: str, call: Callable[[], None]) -> None:
        """Call, in this process."""
        call()

    def _try(self, kind: str, load: Callable[[], Callback | None], *arguments: Any) -> None:
        try:
            _call(load, *arguments)
        except StopRequested:
            raise
        except Exception as error:
            self.report_callback(kind, error)

    def report_callback(self, kind: str, error: BaseException) -> None:
        """Log how a callback failed."""
        logger.error(
            "Job %s: its %s callback failed; the job ends as it would without it",
            self.id,
            kind,
            exc_info=error,
            extra={"job_id": self.id, "queue": self.origin},
        )


def _call(load: Callable[[], Callback | None], job: Job, connection: Redis, *arguments: Any) -> None:
    callback = load()
    if inspect.iscoroutinefunction(callback):
        raise TypeError(f"expected a function, got the coroutine function {callback.__qualname__}")
    if callback is not None:
        callback(job, connection, *arguments)


def with_guarded_callbacks(job_class: type[Job]) -> type[Job]:
    """Return the class, or a subclass of it, whose callbacks are guarded."""
    if issubclass(job_class, GuardedCallbacksMixin):
        return job_class
    return type(job_class.__name__, (GuardedCallbacksMixin, job_class), {})


def guarded_handler(handler: Handler) -> Handler:
    """Return a guarded exception handler: its own exceptions are logged, and the next handler still runs."""

    def call(job: Job, *exc_info: Any) -> Any:
        try:
            return handler(job, *exc_info)
        except StopRequested:
            raise
        except Exception:
            logger.exception(
                "Job %s: an exception handler failed; the job ends as it would without it", job.id
            )
            return True

    return call

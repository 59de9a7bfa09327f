"""Stops a worker on request, also if RQ's exception for it is lost.

When a signal reaches an idle worker, RQ's handler raises StopRequested, whatever code the worker is running.
In a log call, `logging` catches the exception and prints it. Other code that catches all exceptions does the
same: the application's callbacks, or a destructor. RQ's worker would then never stop.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from redis import Redis
from redis.client import Pipeline
from rq.exceptions import StopRequested
from rq.queue import Queue
from rq.worker import WorkerStatus

from rq_mon.worker.interrupted import is_in

if TYPE_CHECKING:
    from rq.worker import BaseWorker
else:
    BaseWorker = object


class StopsOnRequestMixin(BaseWorker):
    """A worker that remembers a request to stop, and checks it before each wait."""

    _unanswered: int | None = None
    """The signal that RQ's handler has not handled yet."""

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Start."""
        super().bootstrap(*args, **kwargs)
        self.queue_class = looking_first(self.queue_class, self._stop_if_requested)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Handle SIGTERM and SIGINT: stop after the current job, or at once if there is none.

        During a log call, RQ's handler must wait: its exception would be lost there. In a busy worker it must
        also wait while redis-py runs: the handler writes to Redis, and would wait for the lock of the
        connection pool, which this thread may hold.
        """
        self._stop_requested = True  # RQ looks at this between two jobs
        self._unanswered = signum
        is_busy = self.get_state() == WorkerStatus.BUSY
        if not is_in(frame, "logging") and not (is_busy and is_in(frame, "redis")):
            self._answer(signum, frame)

    def _answer(self, signum: int, frame: FrameType | None = None) -> None:
        self._unanswered = None
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send a heartbeat. An idle worker does so before it waits for a job, or for a Redis that is down."""
        self._stop_if_requested()
        super().heartbeat(timeout, pipeline)

    def wait_for_horse(self) -> Any:
        """Wait for the work horse."""
        self._stop_if_requested()
        return super().wait_for_horse()

    def _stop_if_requested(self) -> None:
        if not self._stop_requested or self.is_horse:
            return
        if self._unanswered is not None:
            self._answer(self._unanswered)
        if self.get_state() == WorkerStatus.IDLE:
            raise StopRequested


class LooksFirst(Queue):
    """A queue that calls `look` between RQ's last log line and the wait for a job."""

    look: ClassVar[Callable[[], None]]

    @classmethod
    def lmove(cls, connection: Redis, *args: Any, **kwargs: Any) -> Any:
        """Take an id from the only queue."""
        return super().lmove(_LooksFirst(connection, cls.look), *args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def lpop(cls, queue_keys: Any, timeout: int | None, connection: Redis | None = None) -> Any:
        """Take an id from the first queue that has one."""
        looking: Any = _LooksFirst(connection, cls.look)
        return super().lpop(queue_keys, timeout, connection=looking)


class _LooksFirst:
    """A Redis client of which two commands wait."""

    def __init__(self, connection: Any, look: Callable[[], None]) -> None:
        self._connection, self._look = connection, look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def blmove(self, *args: Any, **kwargs: Any) -> Any:
        self._look()
        return self._connection.blmove(*args, **kwargs)

    def blpop(self, *args: Any, **kwargs: Any) -> Any:
        self._look()
        return self._connection.blpop(*args, **kwargs)


def looking_first(queue_class: type[Queue], look: Callable[[], None]) -> type[Queue]:
    """Return a subclass that calls `look` before it waits for a job."""
    if issubclass(queue_class, LooksFirst):
        return queue_class
    own = {"look": staticmethod(look), "__module__": queue_class.__module__}
    return type(queue_class.__name__, (LooksFirst, queue_class), own)

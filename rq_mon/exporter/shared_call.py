"""A call that may hang: it uses one thread, however many callers wait, and no caller waits forever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Runs `call` on its own thread, once at a time; callers meanwhile share the result."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def result(self, within: float) -> T:
        """Return the result of the running call, or of a new one.

        Raises:
            TimeoutError: the call took longer than `within` seconds. It continues; the next caller joins it.
            Exception: any error of the call.
        """
        with self._lock:
            future = self._running or self._start()
        return future.result(within)

    def _start(self) -> Future[T]:
        future: Future[T] = Future()
        threading.Thread(target=self._run, args=(future,), daemon=True).start()
        self._running = future  # the thread cannot have reset it yet: it needs the lock
        return future

    def _run(self, future: Future[T]) -> None:
        try:
            result = self._call()
        except BaseException as error:
            self._finish()
            future.set_exception(error)
        else:
            self._finish()
            future.set_result(result)

    def _finish(self) -> None:
        with self._lock:
            self._running = None

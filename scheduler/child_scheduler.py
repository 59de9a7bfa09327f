"""RQ's own scheduler, which moves delayed jobs and retries, as the child process of a supervised worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

from redis import Redis
from rq import Queue
from rq.scheduler import RQScheduler

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


class AsStored:
    """A serializer that reads nothing: the scheduler only moves jobs, and each goes back as it came."""

    @staticmethod
    def loads(data: bytes) -> bytes:
        """Return the data."""
        return data

    @staticmethod
    def dumps(data: bytes) -> bytes:
        """Return the data."""
        return data


class ChildScheduler(RQScheduler):
    """An `rq.scheduler.RQScheduler` that ends with the worker that started it, also when that one is killed.

    Its name is its worker's, so that a worker that is started again in its container gets its locks back at
    once; RQ's random names leave delayed jobs lying for a minute.
    """

    def __init__(self, queues: Sequence[Queue], connection: Redis, **kwargs: Any) -> None:
        super().__init__(queues, connection=connection, serializer=AsStored, **kwargs)
        self._worker_connection = connection
        self._worker_pid = os.getpid()

    def start(self) -> Any:
        """Start the process.

        It gets none of the worker's sockets: while it held them, Redis would take a killed worker for one
        that waits, and hand it one more job. Signals wait until it has handlers of its own: its worker's
        would overhear the SIGTERM that it is stopped with, and the worker would wait for its end forever.
        """
        self._worker_connection.connection_pool.disconnect(inuse_connections=False)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            return super().start()  # type: ignore[no-untyped-call]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def heartbeat(self) -> None:
        """Report, and look whether the worker is still there."""
        if os.getppid() != self._worker_pid:
            self.request_stop()  # type: ignore[no-untyped-call]
        super().heartbeat()  # type: ignore[no-untyped-call]

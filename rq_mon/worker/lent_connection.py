"""One connection to Redis that a worker lends to one work horse after the other.

Each of RQ's work horses opens a connection of its own, for one job. That costs three round trips, and about
5 % of the CPU time of a short job.

The next work horse must not notice what a job did to the connection. So the application's function never gets
it: while that runs, the connection is out of the pool. Only a work horse whose job succeeded returns it.
"""

from __future__ import annotations

import math
import mmap
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis
from redis import Connection, ConnectionPool, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job
from rq.queue import Queue

if TYPE_CHECKING:
    from rq.worker import Worker
else:
    Worker = object

LENDABLE = (Connection, UnixDomainSocketConnection)
"""Classes of connections whose whole state is in the socket. TLS keeps keys in each process, and with
Sentinels each new connection asks which Redis is the master."""

KEPT_SECONDS = 1.0
"""How long a worker keeps it between two jobs: after a failover the address may lead to another Redis, and
firewalls drop idle connections."""


class LentConnection:
    """A connection outside of the worker's pool, and whether its last work horse returned it."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._socket: Any = None
        self._pool: Any = None
        self._is_returned = mmap.mmap(-1, 1)  # memory that worker and work horse share
        self._returned_at = -math.inf

    # --- in the worker -------------------------------------------------------------------------------------

    def prepare(self, pool: ConnectionPool) -> None:
        """Have a connection ready for the next work horse, if it can be one like those of `pool`."""
        if self._connection is None or time.monotonic() - self._returned_at > KEPT_SECONDS:
            self.drop()
            if type(pool) is ConnectionPool and pool.connection_class in LENDABLE and not _caches(pool):
                self._connection = _connected(pool)
        self._is_returned[0] = 0

    def take_back(self) -> None:
        """Keep the connection if the work horse has returned it."""
        if self._is_returned[0]:
            self._returned_at = time.monotonic()
        else:
            self.drop()

    def drop(self) -> None:
        """Close only the worker's descriptor: a work horse may still use its own."""
        if self._connection is not None:
            self._connection.pid = 0  # redis-py shuts the socket down for all if it takes it for its own
            self._connection.disconnect()
            self._connection = None

    # --- in the work horse ---------------------------------------------------------------------------------

    def use_in(self, pool: Any) -> bool:
        """Put the connection into the pool of the work horse; return whether there is one."""
        if self._connection is None:
            return False
        pool.reset()  # as redis-py does in each new process
        self._pool, self._connection.pid, self._socket = pool, pool.pid, self._connection._sock
        self._show()
        return True

    def hidden_from(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return a function that calls `call` while the connection is out of the pool."""

        def call_without() -> Any:
            if not self._hide():
                return call()
            try:
                return call()
            finally:
                self._show()

        return call_without

    def give_back(self) -> None:
        """Remove the connection from the pool for good; report to the worker that nothing is left on it."""
        if self._hide() and self._connection._sock is self._socket:
            self._is_returned[0] = 1

    def _show(self) -> None:
        self._pool._available_connections.append(self._connection)
        self._pool._created_connections += 1

    def _hide(self) -> bool:
        """Return whether the connection was in the pool: it is not while a thread uses it."""
        try:
            self._pool._available_connections.remove(self._connection)
        except ValueError:
            return False
        self._pool._created_connections -= 1
        return True


def _caches(pool: Any) -> bool:
    return getattr(pool, "cache", None) is not None  # redis-py 5.0 has none


def _connected(pool: Any) -> Any:
    """Return a new connection; None if Redis does not answer at once."""
    connection = pool.connection_class(**pool.connection_kwargs)
    patience, connection.retry = connection.retry, Retry(NoBackoff(), 0)
    try:
        connection.connect()
    except (redis.RedisError, OSError):
        return None  # the work horse has the time to try again
    connection.retry = patience
    return connection


class LendsConnectionMixin(Worker):
    """A worker that forks, and lends its work horses a connection."""

    _lent: LentConnection | None = None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job."""
        try:
            super().execute_job(job, queue)
        finally:
            if self._lent is not None:
                self._lent.take_back()

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Start the work horse."""
        self._lent = self._lent or LentConnection()
        self._lent.prepare(self.connection.connection_pool)
        super().fork_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        """Run a job, in the work horse."""
        lent = self._lent
        if lent is None or not self.is_horse or not lent.use_in(self.connection.connection_pool):
            return super().perform_job(job, queue, *args, **kwargs)
        job._execute = lent.hidden_from(job._execute)  # type: ignore[method-assign]
        succeeded: bool = super().perform_job(job, queue, *args, **kwargs)
        if succeeded and not job.success_callback:  # a callback gets the pool, too
            lent.give_back()
        return succeeded

    def teardown(self) -> None:
        """Deregister."""
        if self._lent is not None:
            self._lent.drop()
        super().teardown()  # type: ignore[no-untyped-call]

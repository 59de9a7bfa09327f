"""RQ's scheduler, which moves delayed jobs and retries, as a child process of a supervised worker."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterable, Sequence
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError
from rq import Queue
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler
from rq.utils import current_timestamp

from rq_mon.state.values import job_key
from rq_mon.worker.maintenance import REDIS_IS_AWAY
from rq_mon.worker.moved_jobs import AsStored
from scheduler.outages import SECONDS_TO_REDIS

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


class DueJobs(ScheduledJobRegistry):
    """The delayed jobs of a queue; an id without a job is left alone.

    RQ's scheduler drops such an id. But RQ's `enqueue_in` writes the id first, so the job may be on its way:
    it would never run. Maintenance drops the ids of expired jobs, and counts them (missing_jobs.py).
    """

    def get_jobs_to_schedule(self, timestamp: int | None = None, chunk_size: int = 1000) -> list[str]:
        """Return the ids of jobs that are due, at most `chunk_size`."""
        until, start = timestamp if timestamp is not None else current_timestamp(), 0
        due: list[str] = []
        while len(due) < chunk_size:
            found: Any = self.connection.zrangebyscore(self.key, 0, until, start=start, num=chunk_size)
            if not found:
                break
            with self.connection.pipeline(transaction=False) as reads:
                for job_id in found:
                    reads.exists(job_key(job_id))
                due += [job_id.decode() for job_id in itertools.compress(found, reads.execute())]
            start += len(found)
        return due[:chunk_size]


class ChildScheduler(RQScheduler):
    """An `rq.scheduler.RQScheduler` that waits while Redis is down, and ends with its worker, killed or not.

    It has its worker's name. So a worker that is restarted in its container gets its locks back at once; with
    RQ's random names, delayed jobs would wait for a minute.
    """

    def __init__(self, queues: Sequence[Queue], connection: Redis, **kwargs: Any) -> None:
        super().__init__(queues, connection=connection, serializer=AsStored, **kwargs)
        self._worker_connection = connection
        self._worker_pid = os.getpid()
        self._is_waiting = False

    def prepare_registries(self, queue_names: Iterable[str] | None = None) -> None:
        """Remember the registries of delayed jobs."""
        self._scheduled_job_registries = [
            DueJobs(name, connection=self.connection, serializer=self.serializer)  # type: ignore[no-untyped-call]
            for name in queue_names or self._acquired_locks
        ]

    def enqueue_scheduled_jobs(self) -> None:
        """Enqueue the jobs that are due, as long as this process holds the locks of its queues.

        RQ reads what is due and moves it afterwards. If Redis or this process hangs in between, another
        scheduler takes over and enqueues the same jobs; then the transactions of this one fail.
        """
        begin = self.connection.pipeline

        def begin_under_lock(transaction: bool = True, *args: Any, **kwargs: Any) -> Pipeline:
            pipeline: Pipeline = begin(transaction, *args, **kwargs)
            if transaction:
                self._watch_locks(pipeline)
            return pipeline

        self.connection.pipeline = begin_under_lock
        try:
            super().enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        except WatchError:
            self.log.warning("Scheduler of %s: another took over, and moves the jobs that are due", self.name)
        finally:
            self.connection.pipeline = begin

    def _watch_locks(self, pipeline: Pipeline) -> None:
        locks = [self.get_locking_key(name) for name in sorted(self._acquired_locks)]
        pipeline.watch(*locks)  # type: ignore[no-untyped-call]
        holders: Any = pipeline.mget(locks)
        if set(holders) != {self.name.encode()}:
            raise WatchError("a lock is lost")
        pipeline.multi()

    def start(self) -> Any:
        """Start the process.

        It does not get the worker's sockets. Otherwise Redis would think that a killed worker still waits,
        and would give it one more job. Signals are blocked until it has its own handlers: with its worker's
        it would miss the SIGTERM that stops it, and the worker would wait for its end forever.
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

    def work(self) -> None:
        """Move jobs when they are due, until the worker ends; if Redis is down, wait for it.

        RQ's scheduler ends then. Its worker starts the next one at its next maintenance, and until then no
        delayed job and no retry begins.
        """
        while True:
            try:
                super().work()  # type: ignore[no-untyped-call]
            except REDIS_IS_AWAY as error:
                self._end_with_worker()
                if self._stop_requested:
                    return
                if not self._is_waiting:
                    self.log.warning("Scheduler of %s: waiting for Redis: %s", self.name, error)
                self._is_waiting = True
                time.sleep(SECONDS_TO_REDIS)
            else:
                return

    def heartbeat(self) -> None:
        """Send a heartbeat, and check that the worker is still alive."""
        self._end_with_worker()
        super().heartbeat()  # type: ignore[no-untyped-call]
        self._is_waiting = False

    def _end_with_worker(self) -> None:
        if os.getppid() != self._worker_pid:
            self.request_stop()  # type: ignore[no-untyped-call]

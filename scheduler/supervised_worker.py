"""The stack's own worker: a process that a supervisor (compose, supervisord) starts again when it ends."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq import Queue
from rq.defaults import CALLBACK_TIMEOUT
from rq.job import Job

from rq_mon.calls.job_function import function_of
from rq_mon.calls.serializers import FORMATS
from rq_mon.logs import set_current_job
from rq_mon.settings import Settings
from rq_mon.worker.callbacks import Handler
from scheduler.apart import EndedBadlyError, run_apart
from scheduler.child_scheduler import ChildScheduler
from scheduler.claims import ClaimingWorker
from scheduler.outages import OutageTolerantWorker
from scheduler.supervised_job import SupervisedJob, supervised_job_class
from scheduler.supervised_queue import SupervisedQueue

INTERVALS_UNTIL_ABANDONED = 3
"""A job counts as abandoned after this number of missing heartbeats. RQ itself waits a minute longer than one
interval, too long to retry the job within a minute."""


class SupervisedWorker(OutageTolerantWorker, ClaimingWorker):
    """A `MonitoredWorker` whose death is noticed soon, and that can register again under its old name.

    Works with RQ 2.12 and 3.0, which passes more arguments to some of these methods.
    """

    queue_class = SupervisedQueue
    queues: list[SupervisedQueue]  # type: ignore[assignment]
    log_result_lifespan = False
    max_connection_wait_time = 5.0
    job_class = SupervisedJob
    _reported_at = -math.inf

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See rq.Worker; a job class has to be a SupervisedJob."""
        base = kwargs.get("job_class") or SupervisedJob
        kwargs["job_class"] = supervised_job_class(base, meanwhile=staticmethod(self._report_meanwhile))
        super().__init__(*args, **kwargs)
        for queue in self.queues:
            queue.maintenance_lease = float(self.get_heartbeat_ttl())

    def register_birth(self) -> None:
        """Register, even if a worker of this name is already registered.

        The name contains host and process id. That worker was an earlier run of this process, which was
        killed before it could deregister. Containers with the same host name, as in host networking, must not
        share a queue. A hash without birth is left by an earlier run that wrote to it after Redis had lost
        it.
        """
        found: Any = self.connection.hmget(self.key, ["birth", "hostname", "pid"])
        birth, *place = found
        is_ours = birth is None or place == [str(self.hostname).encode(), str(self.pid).encode()]
        if is_ours and self.connection.delete(self.key):
            self.log.info("Worker %s: replaces the record of its previous run", self.name)
        super().register_birth()

    def subscribe(self) -> None:
        """Listen to commands, so that it can be stopped after an outage of Redis.

        redis-py 5 guards a subscription with a lock that it takes twice when it has to reconnect, and then
        waits forever. A worker that ends or restarts at that moment would hang.
        """
        super().subscribe()  # type: ignore[no-untyped-call]
        subscription: Any = self.pubsub
        subscription._lock = threading.RLock()

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send a heartbeat. A job counts as abandoned soon, its worker as dead only after RQ's own time."""
        if timeout is not None:
            timeout = max(timeout, int(self.job_monitoring_interval) + 60)
        super().heartbeat(timeout, pipeline)

    def get_heartbeat_ttl(self, *_args: Any, **_kwargs: Any) -> int:
        """Return the seconds after which a job counts as abandoned without another heartbeat."""
        return INTERVALS_UNTIL_ABANDONED * int(self.job_monitoring_interval)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job, from its start to the record of its end."""
        try:
            super().execute_job(job, queue)
        finally:
            set_current_job(None)

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        """Run a job, in the work horse."""
        self.log.info("started job=%s queue=%s function=%s", job.id, queue.name, function_of(job))
        return super().perform_job(job, queue, *args, **kwargs)

    def guard_handler(self, handler: Handler) -> Handler:
        """Return a function that calls an exception handler in a separate process."""
        call_guarded = super().guard_handler(handler)

        def call(job: Job, *exc_info: Any) -> bool:
            try:
                return run_apart(
                    lambda: call_guarded(job, *exc_info), CALLBACK_TIMEOUT, self._report_meanwhile
                )
            except EndedBadlyError as error:
                self.log.error("Worker %s: job %s: an exception handler failed: %s", self.name, job.id, error)  # noqa: TRY400
                return True

        return call

    def _report_meanwhile(self) -> None:
        """Send heartbeats during a slow callback, so that neither worker nor running job looks dead."""
        if self.is_horse or time.monotonic() - self._reported_at < 1:
            return
        self._reported_at = time.monotonic()
        with self._redis_may_be_away():
            (self._heartbeat_of_job or self.heartbeat)()
            for queue in self.queues:
                queue.keep_maintenance_lock()

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether a SIGTERM or SIGINT was received."""
        return self._stop_requested

    # --- RQ's scheduler ------------------------------------------------------------------------------------

    def _start_scheduler(self, burst: bool = False, *args: Any, **kwargs: Any) -> None:
        if burst:
            super()._start_scheduler(burst, *args, **kwargs)
            return
        self.scheduler = ChildScheduler(
            self.queues,
            connection=self.connection,
            logging_level=self.log.level,
            name=self.name,
        )
        self.scheduler.acquire_locks(auto_start=True)  # type: ignore[no-untyped-call]


def worker_name(queue_names: Sequence[str]) -> str:
    """Return the name of this process' worker: queue, host and process id."""
    return f"{'+'.join(queue_names)}-{socket.gethostname()}-{os.getpid()}"


def build_worker(queue_names: Sequence[str], connection: Redis, settings: Settings) -> SupervisedWorker:
    """Return a worker for these queues, in the order of their priority."""
    return SupervisedWorker(
        queue_names,
        name=worker_name(queue_names),
        connection=connection,
        worker_ttl=settings.worker_ttl,
        job_monitoring_interval=settings.job_monitoring_interval,
        maintenance_interval=settings.maintenance_interval,
        default_result_ttl=settings.result_ttl,
        job_class=supervised_job_class(SupervisedJob, default_failure_ttl=settings.failure_ttl),
        log_job_description=False,
        serializer=FORMATS[settings.serializer].serializer,
    )

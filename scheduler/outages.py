"""A worker whose jobs survive an outage of Redis: their ends are recorded once it is back.

RQ fails a job if Redis is down when it begins or ends, and does not record the end of a failed job.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from redis.client import Pipeline
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus, Retry

from rq_mon.logs import without_current_job
from rq_mon.series import counted_key
from rq_mon.worker.maintenance import REDIS_IS_AWAY
from rq_mon.worker.monitored_worker import MonitoredWorker

SECONDS_TO_REDIS = 1.0
"""Seconds between two attempts to reach Redis."""

REPORTS_AFTER_AN_OUTAGE = 2
"""Heartbeats that every worker has time for before any of them looks for abandoned jobs."""

TRIES_WHILE_REFUSED = 2
"""Two, because RQ does not say what failed. Not more: Redis may refuse permanently."""


class OutageTolerantWorker(MonitoredWorker):
    """A `MonitoredWorker` that waits for Redis, in the work horse and in its own process.

    If Redis is down until a minute after a job's timeout, the worker kills the work horse, as RQ does.
    """

    _heartbeat_of_job: Callable[[], None] | None = None
    """Sends a heartbeat for the current job; None if there is none."""

    _answered_at = -math.inf
    """When Redis last accepted a heartbeat; like the next, by `time.monotonic`."""
    _in_touch_since = -math.inf
    _may_clean_at = -math.inf
    """When this worker may look for abandoned jobs again."""

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send a heartbeat, and remember when Redis answered."""
        with self._noting_answers(is_sent=pipeline is None):
            super().heartbeat(timeout, pipeline)

    @contextmanager
    def _noting_answers(self, *, is_sent: bool = True) -> Iterator[None]:
        try:
            yield
        except REDIS_IS_AWAY:
            self._answered_at = -math.inf
            raise
        if is_sent:
            moment = time.monotonic()
            if moment - self._answered_at > self._silence:
                self._in_touch_since = moment
            self._answered_at = moment

    def clean_registries(self) -> None:
        """Look for abandoned jobs, unless Redis has just come back.

        After an outage, the first worker to look would find every job abandoned. So all workers get time to
        send a heartbeat first. The same applies after a start, which may be the end of an outage.
        """
        moment = time.monotonic()
        if moment - self._in_touch_since >= self._silence:
            super().clean_registries()
        else:
            self._may_clean_at = moment + SECONDS_TO_REDIS

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Whether maintenance is due. RQ asks before and after each job, even if it is too early."""
        return bool(super().should_run_maintenance_tasks) and time.monotonic() >= self._may_clean_at

    @property
    def _silence(self) -> float:
        """Seconds without an answer that count as an outage, and for which maintenance then waits."""
        return REPORTS_AFTER_AN_OUTAGE * float(self.job_monitoring_interval)

    # --- in the work horse ---------------------------------------------------------------------------------

    def prepare_job_execution(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Record that the work horse begins."""
        prepare = partial(super().prepare_job_execution, job, *args, **kwargs)
        while True:
            try:
                return prepare()
            except REDIS_IS_AWAY as error:
                self._wait_for_redis(job, error)

    def handle_execution_ended(self, *args: Any, **kwargs: Any) -> None:
        """Note when the job ended, and send a heartbeat if Redis answers."""
        with self._redis_may_be_away():
            super().handle_execution_ended(*args, **kwargs)

    def handle_job_success(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """Record that the job returned."""
        record = partial(super().handle_job_success, job, queue, *args, **kwargs)
        self._record_end(job, queue, record, kwargs.get("execution"))

    def handle_job_retry(self, job: Job, queue: Queue, retry: Retry, *args: Any, **kwargs: Any) -> None:
        """Record the retry that the job returned."""
        record = partial(super().handle_job_retry, job, queue, retry, *args, **kwargs)
        self._record_end(job, queue, record, kwargs.get("execution"), may_forget=True)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """Record a failure, unless the end of this execution is already recorded.

        A work horse that was killed may have recorded a failure with a retry just before; RQ would then retry
        the job twice. Or its worker was considered dead meanwhile.
        """
        execution = kwargs.get("execution") or self.execution
        if not self.is_horse and execution is not None and self._has_ended(job, queue, execution):
            self.log.warning("Worker %s: job %s had ended before its work horse died", self.name, job.id)
            return
        record = partial(super().handle_job_failure, job, queue, *args, **kwargs)
        self._record_end(job, queue, record, execution, may_forget=True)

    def _record_end(
        self,
        job: Job,
        queue: Queue,
        record: Callable[[], None],
        execution: Execution | None,
        *,
        may_forget: bool = False,
    ) -> None:
        """Record an end, repeatedly until Redis has it.

        RQ changes job and worker while it records, so each attempt starts from their earlier state.

        Args:
            job: the job that ended.
            queue: its queue.
            record: RQ's own method.
            execution: the job's execution; RQ 2.12 passes it to a retry only.
            may_forget: whether RQ only logs an error of this record; then Redis is asked whether it has it.
        """
        execution = execution or self.execution
        before, stopped = dict(vars(job)), self._stopped_job_id
        begun = refused = 0
        while refused < TRIES_WHILE_REFUSED:
            try:
                if begun and self._is_recorded(job, queue, execution):
                    return
                begun += 1
                record()
                if not may_forget or self._is_recorded(job, queue, execution):
                    return
                refused += 1
            except REDIS_IS_AWAY as error:
                self._wait_for_redis(job, error)
            vars(job).update(before)
            self._stopped_job_id = stopped
            if not hasattr(self, "executions"):  # RQ 2.12 has forgotten it
                self.execution = execution

    def _wait_for_redis(self, job: Job, error: Exception) -> None:
        self.log.warning("Worker %s: job %s: waiting for Redis: %s", self.name, job.id, error)
        time.sleep(SECONDS_TO_REDIS)

    def _is_recorded(self, job: Job, queue: Queue, execution: Execution | None) -> bool:
        return execution is None or self._has_ended(job, queue, execution)

    def _has_ended(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Return whether the end is recorded. A missing start proves little: Redis may have lost it."""
        connection: Any = self.connection
        if connection.zscore(queue.started_job_registry.key, execution.composite_key) is not None:
            return False
        status, worker_name = connection.hmget(job.key, "status", "worker_name")
        if status == JobStatus.CANCELED.value.encode() and not connection.exists(counted_key(execution.id)):
            job.retries_left = 0  # it was cancelled while it ran, and is not to run again
            return False
        return bool(status != b"started" or worker_name != self.name.encode())

    # --- while the work horse runs -------------------------------------------------------------------------
    # RQ ends a worker whose heartbeat fails; no process would then record the end of its job.

    def monitor_work_horse(self, job: Job, queue: Queue, *execution: Any) -> None:
        """Wait for the work horse; if Redis is down when it ends, wait for Redis too."""
        while True:
            try:
                super().monitor_work_horse(job, queue, *execution)
            except REDIS_IS_AWAY as error:
                if self.horse_pid:
                    raise
                self.log.warning(
                    "Worker %s: job %s has ended; waiting for Redis: %s", self.name, job.id, error
                )
                time.sleep(SECONDS_TO_REDIS)
            else:
                return

    def wait_for_horse(self) -> Any:
        """Wait for the work horse; after its end, return its exit status again."""
        return super().wait_for_horse() if self.horse_pid else (None, self._horse_status, None)

    def set_current_job_working_time(self, *args: Any, **kwargs: Any) -> None:
        """Record how long the job has been running, if Redis answers."""
        with self._redis_may_be_away():
            super().set_current_job_working_time(*args, **kwargs)

    def set_shutdown_requested_date(self) -> None:
        """Record that the worker ends after this job, if Redis answers."""
        with self._redis_may_be_away():
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def maintain_heartbeats(self, *args: Any, **kwargs: Any) -> None:
        """Send a heartbeat for the job, and look for abandoned ones, however long this one takes."""
        with self._redis_may_be_away():
            with self._noting_answers():
                super().maintain_heartbeats(*args, **kwargs)
            if self.should_run_maintenance_tasks:
                self._heartbeat_of_job = partial(super().maintain_heartbeats, *args, **kwargs)
                try:
                    with without_current_job():
                        self.run_maintenance_tasks()
                finally:
                    self._heartbeat_of_job = None

    @contextmanager
    def _redis_may_be_away(self) -> Iterator[None]:
        try:
            yield
        except REDIS_IS_AWAY as error:
            self.log.warning("Worker %s: cannot report, its job continues: %s", self.name, error)

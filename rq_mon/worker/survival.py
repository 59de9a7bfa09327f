"""Keeps a worker alive and the end of its job recorded, whatever the application's code does.

RQ calls callbacks, exception handlers and other hooks of the application without a guard in most places. An
exception in one of them leaves the worker's loop: the worker ends, and its current job counts as abandoned.
"""

from __future__ import annotations

import os
from typing import Any

import redis
from redis.client import Pipeline
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import UnixSignalDeathPenalty
from rq.utils import now

from rq_mon.state.work_horses import EXIT_NOT_RECORDED
from rq_mon.worker.callbacks import Handler, guarded_handler
from rq_mon.worker.failure_text import recordable
from rq_mon.worker.maintenance import ENDS_THE_WORK, end_abandoned_jobs, remove_ghosts
from rq_mon.worker.registration import StaysRegisteredMixin
from rq_mon.worker.stopping import StopsOnRequestMixin
from rq_mon.worker.timeouts import DeathPenaltyAfterLogging

STOPPED = "Job stopped by user, work-horse terminated."
"""RQ's own words."""


class SurvivesApplicationMixin(StopsOnRequestMixin, StaysRegisteredMixin):
    """A worker that logs exceptions of the application's hooks, and continues."""

    _horse_status: int | None = os.EX_OK
    """How the last work horse ended: its status from `os.wait`."""
    _ended_here = False
    """Whether this process has recorded the end of the current job."""
    _ending: Execution | None = None
    """What this process has begun to end."""

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Start; a class of timeouts that the application chose stays."""
        super().bootstrap(*args, **kwargs)
        if self.death_penalty_class is UnixSignalDeathPenalty:
            self.death_penalty_class = DeathPenaltyAfterLogging

    # --- the current job -----------------------------------------------------------------------------------

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job; then forget its state."""
        self._horse_status, self._ended_here = os.EX_OK, False
        try:
            super().execute_job(job, queue)
        finally:
            self._ending, self._stopped_job_id = None, None

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        """Run a job; a work horse that cannot record the end reports that with its exit code."""
        try:
            return super().perform_job(job, queue, *args, **kwargs)
        except Exception:
            self.log.exception("Worker %s: job %s: cannot record how it ended", self.name, job.id)
            if self.is_horse:
                os._exit(EXIT_NOT_RECORDED)
            raise

    def wait_for_horse(self) -> Any:
        """Wait for the end of the work horse, and keep how it ended."""
        ended = super().wait_for_horse()
        self._horse_status = ended[1]
        return ended

    def monitor_work_horse(self, job: Job, queue: Queue, *execution: Any) -> None:
        """Wait for the work horse, and record the end of its job if it has not done so itself."""
        forwarded = {"execution": execution[0]} if execution else {}
        try:
            super().monitor_work_horse(job, queue, *execution)  # type: ignore[misc]
        except (redis.RedisError, StopRequested):
            raise
        except Exception:
            if self.horse_pid:
                raise  # the job still runs
            self.log.exception(
                "Worker %s: job %s: the application's code failed when the job ended", self.name, job.id
            )
            if not self._ended_here:
                self.handle_job_failure(job, queue=queue, exc_string=STOPPED, **forwarded)
        self._may_name_job = self._may_name_job or self._horse_status != os.EX_OK
        if self._horse_status != os.EX_OK and not self._ended_here:
            self._end_without_job(job, **forwarded)

    def _end_without_job(self, job: Job, **execution: Any) -> None:
        """RQ records nothing for a job that was deleted while it ran, and still lists it as running."""
        if self.connection.hexists(job.key, "status"):
            return  # its work horse has recorded the end
        self.log.warning("Worker %s: job %s was deleted while it ran", self.name, job.id)
        job.retries_left = 0  # nothing is left to be tried again
        self._has_failed(job)
        with self.connection.pipeline() as pipeline:
            self.cleanup_execution(job, pipeline, **execution)
            pipeline.execute()

    def _has_failed(self, job: Job) -> None:
        """Note that the current job failed, or was stopped."""

    def cleanup_execution(self, job: Job, pipeline: Pipeline, *args: Any, **kwargs: Any) -> None:
        """End the execution in the transaction that records its end, also when that is sent a second time.

        When the connection breaks or a watched key changes, RQ begins the transaction again. RQ 2.12 has
        forgotten the execution by then: the finished job would be taken for abandoned, and run again.
        """
        if not hasattr(self, "executions"):
            if self.execution is not None:
                self._ending = self.execution
            elif self._ending is not None and self._ending.job_id == job.id:
                self.execution = self._ending
        self._ended_here = True
        super().cleanup_execution(job, pipeline, *args, **kwargs)

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Record a failure, with text that Redis can keep."""
        if "exc_string" in kwargs:
            kwargs["exc_string"] = recordable(kwargs["exc_string"])
        super().handle_job_failure(job, *args, **kwargs)

    # --- hooks of the application --------------------------------------------------------------------------

    def guard_handler(self, handler: Handler) -> Handler:
        """Return a function that calls an exception handler, and survives its errors."""
        return guarded_handler(handler)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log the exception and call the application's handlers."""
        handlers = self._exc_handlers
        self._exc_handlers = [self.guard_handler(handler) for handler in handlers]
        try:
            super().handle_exception(job, *exc_info)
        except ENDS_THE_WORK:
            raise
        except Exception:
            self.log.exception("Worker %s: job %s: cannot report its exception", self.name, job.id)
        finally:
            self._exc_handlers = handlers

    def handle_work_horse_killed(self, job: Job, *args: Any) -> None:
        """Call the application's handler for work horses that died."""
        try:
            super().handle_work_horse_killed(job, *args)  # type: ignore[no-untyped-call]
        except Exception:
            self.log.exception("Worker %s: job %s: work_horse_killed_handler failed", self.name, job.id)

    # --- maintenance ---------------------------------------------------------------------------------------

    def run_maintenance_tasks(self) -> None:
        """Do RQ's maintenance, as far as it can be done."""
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except ENDS_THE_WORK:
            raise
        except Exception:
            self.log.exception("Worker %s: maintenance failed", self.name)
            self.last_cleaned_at = now()  # type: ignore[assignment]

    def clean_registries(self) -> None:
        """Clean RQ's data of each queue, even if one of them fails."""
        queues = self.queues
        try:
            for queue in queues:
                self.queues = [queue]
                self._clean(queue)
        finally:
            self.queues = queues
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def _clean(self, queue: Queue) -> None:
        try:
            if queue.acquire_maintenance_lock():
                end_abandoned_jobs(queue, [self.guard_handler(handler) for handler in self._exc_handlers])
                queue.release_maintenance_lock()  # type: ignore[no-untyped-call]
            super().clean_registries()  # type: ignore[no-untyped-call]
            remove_ghosts(self.connection, [queue.name])
        except ENDS_THE_WORK:
            raise
        except Exception:
            self.log.exception("Worker %s: queue %s: maintenance failed", self.name, queue.name)
            queue.release_maintenance_lock()  # type: ignore[no-untyped-call]

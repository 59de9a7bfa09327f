"""RQ workers that count every job in the transaction that records its end.

Any application that runs RQ 2.12 or 3.0 can have its jobs counted: install this package (`pip install .` in a
checkout) where the workers run, and name the class. Nothing else changes, in code or in Redis.

    rq worker --worker-class rq_mon.MonitoredWorker
    rq worker-pool --worker-class rq_mon.MonitoredWorker

RQ 3.0 passes more arguments than 2.12 to some of the methods below.
"""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import Any, NamedTuple

import redis
from redis.client import Pipeline
from rq import SimpleWorker, Worker
from rq.executions import Execution
from rq.job import Job, JobStatus, Retry
from rq.queue import Queue
from rq.utils import now, utcformat
from rq.worker import SpawnWorker

from rq_mon.calls.job_function import function_by_serializer, function_of, is_short, storable_text, valid_name
from rq_mon.calls.stored_values import UnreadableError
from rq_mon.catalogue import (
    ABANDONED,
    FUNCTION_META_KEY,
    LONGEST_NAME,
    MAX_RETRIES_EXCEEDED,
    MONITORED_WORKER_FIELD,
    UNKNOWN_FUNCTION,
    Outcome,
)
from rq_mon.series import counted_key, running_key
from rq_mon.settings import Settings, SettingsError
from rq_mon.state.work_horses import name_of_end
from rq_mon.worker.abandoned import RunningExecution, count_abandoned, queues_with_running_jobs, unstarted
from rq_mon.worker.expired import CountsExpiredMixin
from rq_mon.worker.failed_ticks import FailedTicksMixin
from rq_mon.worker.lent_connection import LendsConnectionMixin
from rq_mon.worker.moved_jobs import MovesAsStoredMixin
from rq_mon.worker.recorder import End, JobRecorder, Start
from rq_mon.worker.refusals import GuardedTransaction, Refusals, reason_of
from rq_mon.worker.scripts import ABANDONED_ENDS_WITHIN
from rq_mon.worker.unread_meta import UnreadMetaMixin, meta_entry, with_unread_meta

TIME_TO_KILL = 120
"""Seconds after a job's timeout within which RQ has killed its work horse: it waits 60, then looks."""


class Run(NamedTuple):
    """The current execution of this worker."""

    execution_id: str
    job_id: str
    function: str
    started_at: datetime
    name_to_note: str = ""
    """The function, if only the work horse could read it."""


class MonitoredWorkerMixin(FailedTicksMixin, CountsExpiredMixin, MovesAsStoredMixin, LendsConnectionMixin):
    """Makes any worker class count its jobs: `class Mine(MonitoredWorkerMixin, HerokuWorker)`.

    RQ ends a job in one of three methods (handle_job_success, handle_job_retry, handle_job_failure), and each
    passes the transaction that records the end to cleanup_execution: that is where it is counted.

    Not for SpawnWorker: RQ builds its work horses from a plain Worker, which does not count.
    """

    _has_counted = False
    """Whether Redis has accepted metrics of this worker; until then it is not marked as monitored."""
    _refusals: Refusals
    """Refusals of Redis since then; set with the recorder."""
    _birth: str = ""
    """RQ's form of it, from the start of the worker on."""
    _job: Job | None = None
    """The current execution, from before its start is recorded."""
    _run: Run | None = None
    _outcome: Outcome = "failed"
    _exception: str = ""
    _has_warned_of_names: bool = False
    _has_unreadable_name = False
    """Whether only the serializer can read the current job's name."""
    _uncounted_runs: list[tuple[str, str]]
    """Queues and executions that count as running although their end is recorded; set with the recorder."""
    _refused_in: Pipeline | None = None
    """The transaction in which Redis has refused to count the start or end of the current job."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if issubclass(cls, SpawnWorker):
            raise TypeError(f"{cls.__name__}: SpawnWorker's work horses are plain workers and cannot count")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See rq.Worker; jobs are of a class below the application's."""
        super().__init__(*args, **kwargs)
        self.job_class = with_unread_meta(self.job_class)
        for queue in self.queues:
            queue.job_class = with_unread_meta(queue.job_class)

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Start, and find out whether metrics can be written without breaking jobs."""
        limits = self._limit("max_functions_per_queue"), self._limit("max_exceptions_per_function")
        super().bootstrap(*args, **kwargs)
        self._birth = self.serialize()["birth"]
        if self._recorder is None:
            self._refusals, self._uncounted_runs = Refusals(), []
        self._recorder = JobRecorder(*limits)
        self._notice_expired()
        try:
            problems = self._recorder.rehearse(self.connection)
        except redis.ResponseError as error:
            self._lost(error)
            return
        for problem in problems:
            self.log.warning("Worker %s: not every job can be counted: %s", self.name, problem)
        self._mark_as_monitored()
        self.heartbeat()

    def _mark_as_monitored(self) -> None:
        """From the next heartbeat on."""
        self._has_counted = True
        self._keep_registration()

    def _limit(self, setting: str) -> int:
        """Return a limit; its default if the application's environment has an invalid one."""
        try:
            limit: int = getattr(Settings.from_environment(only=[setting]), setting)
        except SettingsError as error:
            limit = getattr(Settings(), setting)
            self.log.warning("Worker %s: %s; %s is used", self.name, error, limit)
        return limit

    def serialize(self) -> dict[str, Any]:
        """Return the worker's fields in Redis."""
        mark = {MONITORED_WORKER_FIELD: "1"} if self._has_counted else {}
        return {**super().serialize(), **mark}

    # --- name ----------------------------------------------------------------------------------------------

    def metrics_function(self, job: Job) -> Any:
        """Return the name under which metrics count `job`, at most 200 characters; None: its function.

        Override this if one entry function runs everything. It runs in the worker, before the fork: what it
        loads stays in the worker's memory, and arguments and `meta` that it reads are unpickled there.
        """
        return meta_entry(job, FUNCTION_META_KEY)

    def _name_of(self, job: Job) -> tuple[str, str]:
        """Return the job's name in metrics, and what to write into its hash: that name, or nothing."""
        self._has_unreadable_name = False
        try:
            given = valid_name(self.metrics_function(job))
        except UnreadableError:
            given, self._has_unreadable_name = None, True
        except Exception as error:  # the application's code, or its `meta`
            given = None
            if not self._has_warned_of_names:
                self._has_warned_of_names = True
                self.log.warning(
                    "Worker %s: no valid name for job %s: it counts by its function, and so do others: %s",
                    self.name,
                    job.id,
                    error,
                )
        name = given or function_of(job)
        return name, "" if given is None and is_short(job) else name

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        """Run the job in the work horse. Only here may its serializer read name and function."""
        if self._run is not None and self._has_unreadable_name and isinstance(job, UnreadMetaMixin):
            with job.meta_loaded():
                name, name_to_note = self._name_of(job)
            self._run = self._run._replace(function=name, name_to_note=name_to_note)
        if self._run is not None and self._run.function == UNKNOWN_FUNCTION:
            name = function_by_serializer(job)
            self._run = self._run._replace(function=name, name_to_note=name)
        return super().perform_job(job, queue, *args, **kwargs)

    # --- start ---------------------------------------------------------------------------------------------

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job, then forget it."""
        try:
            super().execute_job(job, queue)
        finally:
            if self._recorder is not None and self._run and self._refusals.has_ended(self._run.execution_id):
                self._uncounted_runs.append((job.origin, self._run.execution_id))
            self._job, self._run, self._exception, self._refused_in = None, None, "", None

    def prepare_execution(self, job: Job) -> Execution:
        """Record the start; RQ passes its transaction to set_state."""
        self._job = job
        execution = super().prepare_execution(job)
        if self._recorder is not None and self._refused_in is None:
            self._settle_refusals()
        self._refused_in = None
        return execution

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Set the worker's state; with a pipeline, it is the transaction that records a job's start."""
        if pipeline is None and state == self.get_state():
            return  # RQ says twice after each job that the worker is idle; heartbeats say it, too
        super().set_state(state, pipeline)
        if pipeline is not None and self._job is not None and self._recorder is not None:
            self._record_start(self._job, pipeline, self._recorder)

    def _record_start(self, job: Job, pipeline: Pipeline, recorder: JobRecorder) -> None:
        if self.execution is None:
            return  # RQ has always made it before it sets the state; without it nothing is lost but the count
        name, name_to_note = self._name_of(job)
        self._run = Run(self.execution.id, job.id, name, now())
        running = RunningExecution(
            job.id,
            self.key,
            self._birth,
            self.get_heartbeat_ttl(job),
            self._deadline(job),
            self._run.function,
        )
        waited = None
        if job.enqueued_at is not None:
            waited = max(0.0, (self._run.started_at - job.enqueued_at).total_seconds())
        start = Start(self._run.execution_id, job.origin, running.encode(), waited, job.key, name_to_note)
        transaction = self._guarded(pipeline)
        transaction.add(lambda batch: recorder.record_start(batch, start), self._lost)

    def _deadline(self, job: Job) -> float:
        if job.timeout is None or job.timeout < 0:
            return math.inf
        deadline: float = time.time() + job.timeout + self.job_monitoring_interval + TIME_TO_KILL
        return deadline

    # --- end -----------------------------------------------------------------------------------------------

    def handle_job_success(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """The job returned."""
        self._outcome, self._exception = "success", ""
        super().handle_job_success(job, *args, **kwargs)

    def handle_job_retry(self, job: Job, queue: Queue, retry: Retry, *args: Any, **kwargs: Any) -> None:
        """The job returned a Retry; as often as it allows itself, RQ grants it."""
        if job.number_of_retries and job.number_of_retries >= retry.max:
            self._outcome, self._exception = "failed", MAX_RETRIES_EXCEEDED
        else:
            self._outcome, self._exception = "retried", ""
        super().handle_job_retry(job, queue, retry, *args, **kwargs)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """The job raised, or ran out of time; handle_job_failure follows."""
        self._exception = storable_text(exc_info[0].__name__)[:LONGEST_NAME]
        super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """The job raised, was stopped, its work horse died, or it never came to a work horse."""
        if not self._is_current(job, kwargs.get("execution")) and not self._is_on_no_list(job, queue):
            return
        self._has_failed(job)
        super().handle_job_failure(job, queue, *args, **kwargs)

    def _is_current(self, job: Job, execution: Execution | None) -> bool:
        if self._job is not None:
            return self._job.id == job.id
        execution = execution or self.execution
        return execution is not None and execution.job_id == job.id

    def _has_failed(self, job: Job) -> None:
        if self._stopped_job_id == job.id:
            self._outcome, self._exception = "stopped", ""
        else:
            self._outcome = "retried" if job.should_retry else "failed"
            self._exception = self._exception or name_of_end(self._horse_status)

    def _is_on_no_list(self, job: Job, queue: Queue) -> bool:
        """RQ fails a job that was on its way to a worker for a minute, even if it ended or waits again."""
        status: Any = self.connection.hget(job.key, "status")
        is_queued = status == JobStatus.QUEUED.value.encode()
        return is_queued and self.connection.lpos(queue.key, job.id) is None

    def cleanup_execution(self, job: Job, pipeline: Pipeline, *args: Any, **kwargs: Any) -> None:
        """Count the end in the transaction that records it; RQ repeats both when it has to start over."""
        recorder = self._recorder
        if recorder is not None and self._refused_in is not pipeline:
            end, name = self._end_of(job), self._run.name_to_note if self._run is not None else ""
            transaction = self._guarded(pipeline)
            transaction.add(
                lambda batch: recorder.record_end(batch, end),
                lambda error: self._end_lost(error, end.execution_id),
            )
            if name or end.exception:
                transaction.add(
                    lambda batch: recorder.note_end(batch, job.key, name=name, exception=end.exception),
                    self._lost,
                )
        super().cleanup_execution(job, pipeline, *args, **kwargs)

    def _end_of(self, job: Job) -> End:
        run = self._run
        if run is None or run.job_id != job.id:
            # Maintenance found it between the queue and a worker that died before it could start it.
            known_as = unstarted(job.id, utcformat(job.enqueued_at) if job.enqueued_at else "")
            return End(known_as, job.id, job.origin, self._name_of(job)[0], "abandoned", ABANDONED)
        return End(
            run.execution_id,
            job.id,
            job.origin,
            run.function,
            self._outcome,
            self._exception,
            _run_time(job, run.started_at),
        )

    # --- refused -------------------------------------------------------------------------------------------

    def _guarded(self, pipeline: Pipeline) -> GuardedTransaction:
        def note_refusal() -> None:
            self._refused_in = pipeline  # RQ may send it once more, and then it goes without us

        return GuardedTransaction(pipeline, note_refusal)

    def _end_lost(self, error: redis.ResponseError, execution_id: str) -> None:
        is_own = self._run is not None and self._run.execution_id == execution_id
        if self._refusals.note_end(error, execution_id if is_own else ""):
            self._warn_of_refusal(error)

    def _lost(self, error: redis.ResponseError) -> None:
        if self._refusals.note(error):
            self._warn_of_refusal(error)

    def _warn_of_refusal(self, error: redis.ResponseError) -> None:
        reason = reason_of(error)
        self.log.warning("Worker %s: jobs run, but are not counted for now: %s", self.name, reason)

    def _settle_refusals(self) -> None:
        """Redis accepts counts again: write the number of ends that it refused to count."""
        if not self._refusals.reason:
            return
        try:
            while self._uncounted_runs:
                queue, execution_id = self._uncounted_runs[-1]
                self.connection.hdel(running_key(queue), execution_id)
                key = counted_key(execution_id)
                if not self.connection.set(key, 1, nx=True, ex=ABANDONED_ENDS_WITHIN):
                    self._refusals.take_back()  # another worker took this one for dead, and counted its job
                self._uncounted_runs.pop()
            uncounted = self._refusals.settle(self.connection)
        except redis.ResponseError:
            return
        self._mark_as_monitored()
        self.log.info("Worker %s: jobs are counted again; %s had ended uncounted", self.name, uncounted)

    # --- abandoned -----------------------------------------------------------------------------------------

    def clean_registries(self) -> None:
        """Do RQ's maintenance, then count the executions of dead workers."""
        super().clean_registries()
        if self._recorder is None:
            return
        try:
            if self._refusals.reason:
                self._recorder.rehearse(self.connection)
                self._settle_refusals()
            for queue in queues_with_running_jobs(self.connection, self.queue_names()):
                count_abandoned(self.connection, self._recorder, queue)
        except redis.ResponseError as error:
            if self._refusals.note(error):
                reason = reason_of(error)
                self.log.warning("Worker %s: cannot look for abandoned jobs: %s", self.name, reason)


def _run_time(job: Job, started_at: datetime) -> float:
    """Seconds that the job ran.

    RQ's own times, where they are of this execution: those of a retried job may be from the one before, and
    RQ does not record when a stopped job ended.
    """
    begun = max(job.started_at or started_at, started_at)
    ended = job.ended_at if job.ended_at is not None and job.ended_at >= begun else now()
    return max(0.0, (ended - begun).total_seconds())


class MonitoredWorker(MonitoredWorkerMixin, Worker):
    """An `rq.Worker` that counts its jobs."""


class MonitoredSimpleWorker(MonitoredWorkerMixin, SimpleWorker):
    """An `rq.SimpleWorker` that counts its jobs."""

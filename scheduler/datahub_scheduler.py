"""`DataHubScheduler`: one object to start workers, and to enqueue, delay or repeat jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self, get_args

from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.serializers import Serializer
from rq.utils import now

from rq_mon.calls.arguments import (
    check_call_arguments,
    check_choice,
    check_description,
    check_queue_name,
    check_serializable,
    check_time_delta,
    check_timeout,
)
from rq_mon.calls.functions import Function, function_path, function_reference
from rq_mon.calls.retries import DEFAULT_RETRY
from rq_mon.calls.serializers import FORMATS
from rq_mon.connection.client import connect, shared_client
from rq_mon.cron.definition import CronJob, define
from rq_mon.cron.registry import CronRegistry
from rq_mon.jobs.purge import QUEUE_STATES, count_jobs, purge_jobs
from rq_mon.settings import Settings, settings_of_job
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from scheduler.cron_constants import THREE_MINUTES_IN_SECONDS
from scheduler.new_jobs import NewJob, write_jobs
from scheduler.supervised_worker import build_worker

logger = logging.getLogger(__name__)

Strategy = Literal["fork", "burst-no-fork"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


LEFT_TO_RQ = ("at_front", "depends_on", "pipeline", "rate_limit", "ttl", "unique")
"""Options for which RQ does more than write a job and add it to its queue."""


class DataHubScheduler:
    """Queues and workers on the Redis that RQ_REDIS_URL names.

    All instances in a process share their connections. As a context manager it leaves them open, so that the
    results of its jobs can be read later.

    Args:
        strategy: how `work` runs jobs. "fork": each job in its own process, until the worker is stopped.
            "burst-no-fork": in this process, until the queues are empty; for tests and scripts.
        is_async: False runs each job in this process when it is enqueued, without a worker.

    Raises:
        ValueError: the strategy does not exist.
        SettingsError: a setting in the environment is invalid.
    """

    def __init__(self, strategy: str = "fork", is_async: bool = True) -> None:
        self.strategy = check_choice("strategy", strategy, STRATEGIES)
        self.is_async = is_async
        self.settings = settings_of_job()
        self.format = FORMATS[self.settings.serializer]
        self.connection = shared_client(self.settings.redis_url)
        self.argument_names = ("args", "kwargs")
        """The names of the function's arguments in error messages."""
        self._cron_registry = CronRegistry(self.connection)
        self._used_queues: set[str] = set()

    @property
    def runs_here(self) -> bool:
        """Whether jobs run in this process."""
        return not self.is_async or self.strategy != "fork"

    def enqueue(self, queue_name: str, function: Function, *args: Any, **kwargs: Any) -> Job:
        """Enqueue a job.

        Args:
            queue_name: the queue.
            function: the function to call, or its dotted path.
            args: its arguments.
            kwargs: its keyword arguments, and the options of `rq.Queue.enqueue`: `args` and `kwargs` instead
                of the arguments themselves, `retry`, `job_timeout`, `description`, `job_id`, `depends_on`,
                ...

        Raises:
            TypeError, ValueError: an argument is invalid; nothing is written.
        """
        options = self._checked(function, _options_of_rq(args, kwargs))
        queue = self._queue_in_use(queue_name)
        if not self.is_async or _is_left_to_rq(options):
            return queue.enqueue_call(**options)
        return write_jobs(self.connection, [_new_job(queue, options)])[0]

    def enqueue_in(
        self, queue_name: str, time_delta: object, function: Function, *args: Any, **kwargs: Any
    ) -> Job:
        """Enqueue a job after `time_delta`: see `enqueue`.

        RQ's scheduler, which the stack's workers run, moves it into the queue; it works in whole seconds.
        """
        delay = check_time_delta(time_delta)
        options = self._checked(function, _options_of_rq(args, kwargs))
        queue = self._queue_in_use(queue_name)
        if _is_left_to_rq(options):
            reference, timeout = options.pop("func"), options.pop("timeout")
            return queue.enqueue_in(delay, reference, job_timeout=timeout, **options)
        return write_jobs(self.connection, [_new_job(queue, options, delay)])[0]

    def new_job(
        self,
        queue_name: str,
        function: Function,
        args: Sequence[Any] | None,
        kwargs: Mapping[str, Any] | None,
        *,
        retry: Retry | None,
        job_timeout: float | str,
        description: str | None = None,
        time_delta: timedelta | None = None,
    ) -> NewJob:
        """Check a job as `enqueue` does (with `time_delta`: as `enqueue_in` does), without writing it.

        Raises:
            TypeError, ValueError: an argument is invalid.
        """
        delay = None if time_delta is None else check_time_delta(time_delta)
        options = {"args": args, "kwargs": kwargs, "retry": retry, "timeout": job_timeout, "meta": None}
        checked = self._checked(function, {**options, "description": description})
        return _new_job(self._queue_in_use(queue_name), checked, delay)

    def cron(
        self,
        queue_name: str,
        cron: str,
        function: Function,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        retry: Retry | None = DEFAULT_RETRY,
        timeout: float | str = THREE_MINUTES_IN_SECONDS,
        description: str | None = None,
        cron_job_id: str | None = None,
    ) -> CronJob:
        """Register a cron job: a cron scheduler enqueues a job at each tick of the expression `cron`.

        Registering it again changes nothing; with another schedule it reschedules the cron job. The id
        decides which cron job it is. By default it is derived from function, queue and arguments, which must
        be literals then.

        The cron job is on no list, so no cron scheduler cancels it: it stays until `cancel_cron_jobs` or
        `rqmon cron cancel`.

        Raises:
            TypeError, ValueError: an argument is invalid; nothing is written.
        """
        cron_job = define(
            function,
            cron,
            queue_name=queue_name,
            timezone=self.settings.timezone,
            now=time.time(),
            args=args,
            kwargs=kwargs,
            argument_names=self.argument_names,
            retry=retry,
            timeout=timeout,
            description=description,
            cron_job_id=cron_job_id,
            format_=self.format,
        )
        self._cron_registry.register(cron_job)
        return cron_job

    def scheduled_jobs(self) -> list[CronJob]:
        """Return the registered cron jobs."""
        return self._cron_registry.cron_jobs()

    def cron_job_count(self) -> int:
        """Return how many cron jobs are registered."""
        return self._cron_registry.count()

    def cancel_cron_jobs(self) -> int:
        """Cancel all cron jobs of this Redis, and return how many there were."""
        cancelled = self._cron_registry.cancel_all()
        for cron_job_id in cancelled:
            logger.info("cancelled cron_job=%s", cron_job_id)
        return len(cancelled)

    def queued_count(self, queue_name: str) -> int:
        """Return the number of queued jobs in a queue."""
        return count_jobs(self.get_queue(queue_name), "queued")

    def failed_count(self, queue_name: str) -> int:
        """Return the number of failed jobs in a queue that RQ keeps."""
        return count_jobs(self.get_queue(queue_name), "failed")

    def scheduled_count(self, queue_name: str) -> int:
        """Return the number of delayed jobs of a queue, including retries that wait for their time."""
        return count_jobs(self.get_queue(queue_name), "scheduled")

    def get_queue(self, queue_name: str) -> Queue:
        """Return RQ's object for a queue, for everything that this class does not offer."""
        name = check_queue_name(queue_name)
        return _new_queue(name, self.connection, self.is_async, self.format.serializer)

    def purge(self, queue_name: str, queue_state: str = "queued") -> int:
        """Delete all jobs of a queue that are queued, failed or scheduled; return their number.

        Raises:
            ValueError: the state does not exist; nothing is deleted.
        """
        state = check_choice("queue_state", queue_state, QUEUE_STATES)
        queue = self.get_queue(queue_name)
        purged = purge_jobs(queue, state)
        logger.info("purged queue=%s state=%s jobs=%d", queue.name, state, purged)
        return purged

    def work(self, *queues: str, with_scheduler: bool = False) -> bool:
        """Run the jobs of queues with this scheduler's strategy; return whether a job ran.

        Args:
            queues: names of the queues; a queue is read only while those before it are empty.
            with_scheduler: also move delayed jobs and retries into the queues when they are due.
        """
        if not queues:
            raise ValueError("queues: expected the name of at least one queue")
        names = [check_queue_name(name) for name in queues]
        # A worker changes the timeouts of its connections.
        with connect(self.settings.redis_url) as connection:
            if self.strategy == "fork":
                worker = build_worker(names, connection, Settings.from_environment())
                return worker.work(with_scheduler=with_scheduler)
            simple_worker = MonitoredSimpleWorker(
                names,
                connection=connection,
                log_job_description=False,
                serializer=self.format.serializer,
            )
            return simple_worker.work(burst=True, with_scheduler=with_scheduler)

    def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            rq.exceptions.NoSuchJobError: the id does not exist, or the job has expired.
        """
        return Job.fetch(job_id, connection=self.connection, serializer=self.format.serializer)

    def clear(self) -> None:
        """Delete all cron jobs, and the jobs of all queues that this object enqueued into."""
        self.cancel_cron_jobs()
        for queue_name in sorted(self._used_queues):
            for state in QUEUE_STATES:
                self.purge(queue_name, state)

    def _checked(self, function: Function, options: dict[str, Any]) -> dict[str, Any]:
        """Return the checked options under RQ's names, with a reference to the function as `func`."""
        reference = function_reference(function, self.format, same_process=self.runs_here)
        options["func"] = reference
        options["args"], options["kwargs"] = check_call_arguments(
            options["args"],
            options["kwargs"],
            self.format,
            self.argument_names,
            same_process=self.runs_here,
        )
        if options["meta"] is not None:
            check_serializable(options["meta"], self.format, "meta", same_process=self.runs_here)
        if options["timeout"] is not None:
            options["timeout"] = check_timeout(options["timeout"])
        # RQ's own description would contain the arguments, which may be secret.
        options["description"] = check_description(options["description"]) or function_path(reference)
        return options

    def _queue_in_use(self, queue_name: str) -> Queue:
        self._used_queues.add(check_queue_name(queue_name))
        return _queue(queue_name, self.connection, self.is_async, self.format.serializer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Exit; connections stay open, see the class."""


def _new_queue(name: str, connection: Redis, is_async: bool, serializer: Serializer) -> Queue:
    return Queue(name, connection=connection, is_async=is_async, serializer=serializer)


_queue: Callable[..., Queue] = lru_cache(maxsize=128)(_new_queue)
"""Cached for this module, which never changes a queue: RQ needs long to find each serializer."""


def _options_of_rq(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Separate RQ's options from the function's arguments, as RQ does."""
    if args and kwargs.keys() & {"args", "kwargs"}:
        raise TypeError("args: expected the function's arguments either directly or as `args` and `kwargs`")
    options: dict[str, Any] = Queue.parse_args("", *args, **kwargs)._asdict()
    return options


def _is_left_to_rq(options: Mapping[str, Any]) -> bool:
    return any(options.get(option) for option in LEFT_TO_RQ)


def _new_job(queue: Queue, options: Mapping[str, Any], delay: timedelta | None = None) -> NewJob:
    of_job = {
        name: value for name, value in options.items() if name not in ("at_front", "pipeline", "unique")
    }
    if delay is None:
        return NewJob(queue.create_job(**of_job, status=JobStatus.QUEUED), queue)
    return NewJob(queue.create_job(**of_job, status=JobStatus.SCHEDULED), queue, now() + delay)

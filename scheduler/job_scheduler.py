"""`job_scheduler`: one call to enqueue, delay or repeat a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, overload

from rq.job import Job

from rq_mon.calls.arguments import check_timeout
from rq_mon.calls.functions import Function
from rq_mon.calls.retries import RetryIntervals, is_default, retry_backoff_intervals, retry_policy
from rq_mon.cron.definition import CronJob
from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.queues import SHORT_RUNNING_QUEUE

__all__ = ["job_scheduler", "retry_backoff_intervals"]


@overload
def job_scheduler(
    function: Function,
    function_args: Sequence[Any] | None = ...,
    function_kwargs: Mapping[str, Any] | None = ...,
    max_retries: int | None = ...,
    queue_name: str = ...,
    is_burst: bool = ...,
    retry_backoff: bool | int = ...,
    retry_intervals: RetryIntervals = ...,
    cron: None = ...,
    time_delta: timedelta | None = ...,
    job_timeout: float | str = ...,
    description: str | None = ...,
) -> Job: ...


@overload
def job_scheduler(
    function: Function,
    function_args: Sequence[Any] | None = ...,
    function_kwargs: Mapping[str, Any] | None = ...,
    max_retries: int | None = ...,
    queue_name: str = ...,
    is_burst: bool = ...,
    retry_backoff: bool | int = ...,
    retry_intervals: RetryIntervals = ...,
    *,
    cron: str,
    time_delta: None = ...,
    job_timeout: float | str = ...,
    description: str | None = ...,
    cron_job_id: str | None = ...,
) -> CronJob: ...


@overload
def job_scheduler(
    function: Function,
    function_args: Sequence[Any] | None = ...,
    function_kwargs: Mapping[str, Any] | None = ...,
    max_retries: int | None = ...,
    queue_name: str = ...,
    is_burst: bool = ...,
    retry_backoff: bool | int = ...,
    retry_intervals: RetryIntervals = ...,
    cron: str | None = ...,
    time_delta: timedelta | None = ...,
    job_timeout: float | str = ...,
    description: str | None = ...,
    cron_job_id: str | None = ...,
) -> Job | CronJob: ...


def job_scheduler(
    function: Function,
    function_args: Sequence[Any] | None = None,
    function_kwargs: Mapping[str, Any] | None = None,
    max_retries: int | None = 3,
    queue_name: str = SHORT_RUNNING_QUEUE,
    is_burst: bool = False,
    retry_backoff: bool | int = False,
    retry_intervals: RetryIntervals = 0,
    cron: str | None = None,
    time_delta: timedelta | None = None,
    job_timeout: float | str = 180,
    description: str | None = None,
    cron_job_id: str | None = None,
) -> Job | CronJob:
    """Enqueue a job, or delay it by `time_delta`, or repeat it by `cron`.

    Args:
        function: the function that a worker calls, or its dotted path; the worker must be able to import it.
        function_args: its arguments; picklable, or with RQ_SERIALIZER=json values that JSON can store.
        function_kwargs: its keyword arguments.
        max_retries: number of retries of a failing job; None: none.
        queue_name: the queue of the job.
        is_burst: the caller runs the queue's jobs in this process, as tests do; functions of `__main__` work.
        retry_backoff: growing delays before retries. True: 1, 4, 9, ... seconds; a number n: n, (n+1)²,
            (n+2)², ... Overrides `retry_intervals`.
        retry_intervals: seconds before each retry, or a list of them. If the list is shorter, RQ repeats its
            first entry.
        cron: a cron expression, in the time zone of SCHEDULER_TIMEZONE. The cron job stays registered until
            it is cancelled, through restarts of the application and of cron schedulers.
        time_delta: time from now until the job is enqueued.
        job_timeout: seconds after which a run is killed and fails, or text such as "3m"; -1: no limit.
        description: what the job is for, as dashboards show it. Default: the function's name.
        cron_job_id: with `cron`: the id of the cron job. Default: derived from function, queue and arguments,
            which must be literals then.

    Returns:
        The job; with `cron`, the cron job.

    Raises:
        TypeError, ValueError: an argument is invalid. The message has its name, its value and what is
            expected; nothing is written.
    """
    if cron is not None and time_delta is not None:
        raise ValueError(f"cron and time_delta: expected at most one, got {cron!r} and {time_delta!r}")
    if cron is None and cron_job_id is not None:
        raise ValueError(f"cron_job_id: expected only with cron, got {cron_job_id!r}")
    retry = retry_policy(max_retries, retry_backoff, retry_intervals)
    check_timeout(job_timeout)
    with DataHubScheduler(strategy="burst-no-fork" if is_burst else "fork") as scheduler:
        scheduler.argument_names = ("function_args", "function_kwargs")
        # Tests of applications compare exactly these keyword arguments, so no defaults are added.
        call: dict[str, Any] = {
            "queue_name": queue_name,
            "function": function,
            "args": function_args,
            "kwargs": function_kwargs,
        }
        if cron is not None:
            if not is_default(retry):
                call["retry"] = retry
            if cron_job_id is not None:
                call["cron_job_id"] = cron_job_id
            return scheduler.cron(cron=cron, description=description, timeout=job_timeout, **call)
        call |= {"retry": retry, "job_timeout": job_timeout}
        if description is not None:
            call["description"] = description
        if time_delta is not None:
            return scheduler.enqueue_in(time_delta=time_delta, **call)
        return scheduler.enqueue(**call)

"""`job_scheduler`: the one call with which an application enqueues, delays or repeats a job."""

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
        function: what a worker is to call: a function that it can import, or the dotted path of one.
        function_args: its arguments; they must be picklable, or, with RQ_SERIALIZER=json, what JSON can hold.
        function_kwargs: its keyword arguments.
        max_retries: how often a job that fails is tried again; None: never.
        queue_name: the queue that it goes to.
        is_burst: the caller works the queue off in this process, as tests do; so functions of `__main__` do.
        retry_backoff: wait longer before each retry: True for 1, 4, 9, ... seconds; a number n for n, (n+1)²,
            (n+2)², ... It takes precedence over `retry_intervals`.
        retry_intervals: seconds before each retry, or a list of them; of a shorter list RQ repeats the first.
        cron: a cron expression, in the time zone that SCHEDULER_TIMEZONE names. The cron job stays registered
            until it is cancelled, through restarts of the application and of cron schedulers.
        time_delta: how long from now the job is enqueued.
        job_timeout: seconds after which a run is ended, as failed, or text such as "3m"; -1: never.
        description: what the job is for, as dashboards show it; the function's name if it is not given.
        cron_job_id: with `cron`: what the cron job is known by. If it is not given, it is derived from
            function, queue and arguments, which must be literals then.

    Returns:
        The job; for `cron` the cron job.

    Raises:
        TypeError, ValueError: an argument that cannot be used; the message names it, its value and what is
            expected, and nothing is written.
    """
    if cron is not None and time_delta is not None:
        raise ValueError(f"cron and time_delta: expected at most one, got {cron!r} and {time_delta!r}")
    if cron is None and cron_job_id is not None:
        raise ValueError(f"cron_job_id: expected only with cron, got {cron_job_id!r}")
    retry = retry_policy(max_retries, retry_backoff, retry_intervals)
    check_timeout(job_timeout)
    with DataHubScheduler(strategy="burst-no-fork" if is_burst else "fork") as scheduler:
        scheduler.argument_names = ("function_args", "function_kwargs")
        # Applications have tests that look at exactly these keyword arguments: nothing is passed unasked.
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

"""`job_scheduler_many`: many calls of `job_scheduler` at once; all of them are written, or none."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from rq.job import Job

from rq_mon.calls.arguments import check_choice, check_timeout
from rq_mon.calls.functions import Function
from rq_mon.calls.retries import RetryIntervals, retry_policy
from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.job_scheduler import job_scheduler
from scheduler.new_jobs import NewJob, check_keys, write_jobs


class Call(TypedDict, total=False):
    """Arguments of `job_scheduler` without those for cron jobs."""

    function: Function
    function_args: Sequence[Any] | None
    function_kwargs: Mapping[str, Any] | None
    max_retries: int | None
    queue_name: str
    is_burst: bool
    retry_backoff: bool | int
    retry_intervals: RetryIntervals
    time_delta: timedelta | None
    job_timeout: float | str
    description: str | None


NAMES = tuple(Call.__annotations__)
DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(job_scheduler).parameters.items()
    if name in NAMES and name != "function"
}


def job_scheduler_many(calls: Iterable[Call], **defaults: Unpack[Call]) -> list[Job]:
    """Enqueue or delay many jobs in one transaction: all of them, or none if one call is invalid.

    Args:
        calls: for each job the arguments of `job_scheduler` by name, except `cron` and `cron_job_id`.
        defaults: arguments for calls that do not set them.

    Returns:
        The jobs, in the order of the calls.

    Raises:
        TypeError, ValueError: an argument is invalid. The message has the index of the call, the argument,
            its value and what is expected; nothing is written.
    """
    _check_names(defaults, "defaults")
    new_jobs = _new_jobs(calls, {**DEFAULTS, **defaults})
    if not new_jobs:
        return []
    connection = new_jobs[0].queue.connection
    check_keys(connection, new_jobs)
    return write_jobs(connection, new_jobs)


def _new_jobs(calls: object, defaults: Mapping[str, Any]) -> list[NewJob]:
    if not isinstance(calls, Iterable) or isinstance(calls, (str, bytes, Mapping)):
        raise TypeError(f"calls: expected a list of mappings, got {type(calls).__name__}")
    schedulers = {is_burst: _scheduler(is_burst) for is_burst in (False, True)}
    found = []
    for index, call in enumerate(calls):
        try:
            if not isinstance(call, Mapping):
                raise TypeError(f"expected a mapping, got {type(call).__name__}")  # noqa: TRY301
            _check_names(call, "arguments")
            found.append(_new_job(schedulers, **{**defaults, **call}))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"calls[{index}]: {error}") from error
    return found


def _check_names(arguments: Mapping[Any, object], place: str) -> None:
    for name in arguments:
        if name not in NAMES:
            check_choice(place, name, NAMES)


def _scheduler(is_burst: bool) -> DataHubScheduler:
    scheduler = DataHubScheduler("burst-no-fork" if is_burst else "fork")
    scheduler.argument_names = ("function_args", "function_kwargs")
    return scheduler


def _new_job(
    schedulers: Mapping[bool, DataHubScheduler],
    *,
    function: Any = None,
    function_args: Any,
    function_kwargs: Any,
    max_retries: Any,
    retry_backoff: Any,
    retry_intervals: Any,
    is_burst: Any,
    job_timeout: Any,
    **more: Any,
) -> NewJob:
    check_timeout(job_timeout)  # also None, for which RQ has a default
    return schedulers[bool(is_burst)].new_job(
        function=function,
        args=function_args,
        kwargs=function_kwargs,
        retry=retry_policy(max_retries, retry_backoff, retry_intervals),
        job_timeout=job_timeout,
        **more,
    )

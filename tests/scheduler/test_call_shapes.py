"""The keyword arguments that `job_scheduler` passes on: applications' tests look at exactly these."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Retry

from scheduler import DataHubScheduler, job_scheduler
from scheduler.cron_constants import EVERY_MINUTE
from scheduler.job_scheduler import retry_backoff_intervals
from tests.harness import jobs

Call = dict[str, Any]

CALL = {"queue_name": "234", "function": jobs.add, "args": (1, 2), "kwargs": {"key": "value"}}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, redis_client: Redis) -> list[tuple[str, tuple[Any, ...], Call]]:
    """Method, positional and keyword arguments of each call to the class; the calls are real."""
    seen: list[tuple[str, tuple[Any, ...], Call]] = []

    def record(method: str) -> None:
        original = getattr(DataHubScheduler, method)

        def recorded(self: DataHubScheduler, *args: Any, **kwargs: Any) -> Any:
            seen.append((method, args, kwargs))
            return original(self, *args, **kwargs)

        monkeypatch.setattr(DataHubScheduler, method, recorded)

    for method in ("enqueue", "enqueue_in", "cron"):
        record(method)
    return seen


def schedule(**options: Any) -> None:
    job_scheduler(
        jobs.add, function_args=(1, 2), function_kwargs={"key": "value"}, queue_name="234", **options
    )


def without_retry(call: Call) -> Call:
    return {name: value for name, value in call.items() if name != "retry"}


def policy(call: Call) -> tuple[int, list[int]]:
    retry = call["retry"]
    assert isinstance(retry, Retry)
    return retry.max, list(retry.intervals)


def test_arguments_of_enqueue(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    schedule()

    ((method, args, call),) = calls
    assert (method, args) == ("enqueue", ())
    assert without_retry(call) == {**CALL, "job_timeout": 180}
    assert policy(call) == (3, [0])


def test_arguments_of_enqueue_with_every_option(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    schedule(max_retries=2, retry_backoff=True, job_timeout=600, description="Adds up")

    ((_, _, call),) = calls
    assert without_retry(call) == {**CALL, "job_timeout": 600, "description": "Adds up"}
    assert policy(call) == (2, [1, 4])


def test_arguments_of_enqueue_without_retries(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    job_scheduler(jobs.fail, queue_name="234", max_retries=None)

    ((_, _, call),) = calls
    assert call == {
        "queue_name": "234",
        "function": jobs.fail,
        "args": None,
        "kwargs": None,
        "retry": None,
        "job_timeout": 180,
    }


def test_arguments_of_enqueue_in(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    schedule(time_delta=timedelta(minutes=2), retry_backoff=30)

    ((method, args, call),) = calls
    assert (method, args) == ("enqueue_in", ())
    assert without_retry(call) == {**CALL, "time_delta": timedelta(minutes=2), "job_timeout": 180}
    assert policy(call) == (3, [30, 961, 1024])


def test_arguments_of_cron(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    schedule(cron=EVERY_MINUTE)

    ((method, args, call),) = calls
    assert (method, args) == ("cron", ())
    assert call == {**CALL, "cron": EVERY_MINUTE, "description": None, "timeout": 180}


def test_arguments_of_cron_with_another_retry_policy(calls: list[tuple[str, tuple[Any, ...], Call]]) -> None:
    schedule(cron=EVERY_MINUTE, description="Adds up", max_retries=None)

    ((_, _, call),) = calls
    expected = {**CALL, "cron": EVERY_MINUTE, "description": "Adds up", "timeout": 180, "retry": None}
    assert call == expected


@pytest.mark.parametrize(("max_retries", "stored"), [(3, 3), (2, 2), (None, 0)])
def test_a_cron_job_keeps_the_requested_retries(
    max_retries: int | None, stored: int, redis_client: Redis
) -> None:
    schedule(cron=EVERY_MINUTE, max_retries=max_retries)

    with DataHubScheduler() as scheduler:
        (cron_job,) = scheduler.scheduled_jobs()
        assert cron_job.max_retries == stored


@pytest.mark.parametrize(
    ("max_retries", "retry_backoff", "is_int", "intervals"),
    [(3, 30, True, [30, 961, 1024]), (2, True, False, [1, 4]), (2, False, False, 0)],
)
def test_backoff_intervals(
    max_retries: int, retry_backoff: bool | int, is_int: bool, intervals: object
) -> None:
    found = retry_backoff_intervals(
        max_retries=max_retries, retry_backoff=retry_backoff, is_backoff_an_int=is_int
    )

    assert found == intervals

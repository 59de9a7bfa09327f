"""Many jobs in one call: all are checked first, then all or none are written."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, assert_type

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.job import Job

from scheduler import (
    LONG_RUNNING_QUEUE,
    SHORT_RUNNING_QUEUE,
    DataHubScheduler,
    job_scheduler,
    job_scheduler_many,
)
from scheduler.cron_constants import EVERY_MINUTE
from scheduler.job_scheduler_many import NAMES, Call
from tests.harness import jobs
from tests.scheduler.test_what_is_written import written


def test_jobs_are_enqueued_in_the_order_of_their_calls(redis_client: Redis) -> None:
    found = job_scheduler_many(
        [
            {"function": jobs.add, "function_args": (1, 2)},
            {"queue_name": LONG_RUNNING_QUEUE, "function_kwargs": {"first": 3, "second": 4}},
            {"function_args": (5, 6), "time_delta": timedelta(hours=1)},
            {"function_args": (7, 8), "job_timeout": "3m", "max_retries": None, "description": "mine"},
        ],
        function="tests.harness.jobs.add",
        job_timeout=60,
        max_retries=2,
        retry_backoff=True,
    )

    assert_type(found, list[Job])
    first, second, third, fourth = (Job.fetch(job.id, redis_client) for job in found)
    assert [job.get_status() for job in (first, third)] == ["queued", "scheduled"]
    assert [job.timeout for job in (first, second, third, fourth)] == [60, 60, 60, 180]
    assert [job.retry_intervals for job in (first, second, fourth)] == [[1, 4], [1, 4], None]
    assert (third.description, fourth.description) == ("tests.harness.jobs.add", "mine")
    assert Queue(SHORT_RUNNING_QUEUE, connection=redis_client).job_ids == [first.id, fourth.id]
    assert Queue(LONG_RUNNING_QUEUE, connection=redis_client).job_ids == [second.id]

    with DataHubScheduler("burst-no-fork") as scheduler:
        scheduler.work(SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE)
    assert [job.return_value() for job in found] == [3, 7, None, 15]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"function_args": (1, 2), "function_kwargs": {"second": [3]}, "queue_name": LONG_RUNNING_QUEUE},
        {"max_retries": 2, "retry_intervals": [1, 2], "job_timeout": -1, "description": "mine"},
        {"time_delta": timedelta(days=1), "retry_backoff": 30},
    ],
)
def test_each_job_is_stored_as_by_job_scheduler(redis_client: Redis, arguments: Any) -> None:
    alone = job_scheduler(jobs.add, **arguments)
    expected = {key.replace(alone.id.encode(), b"id"): of for key, of in written(redis_client).items()}
    redis_client.flushall()

    call: Any = {"function": jobs.add, **arguments}
    (job,) = job_scheduler_many([call])

    found = {key.replace(job.id.encode(), b"id"): of for key, of in written(redis_client).items()}
    assert found.keys() == expected.keys()
    assert found[b"rq:job:id"] == expected[b"rq:job:id"]


def test_calls_can_come_from_an_iterator(redis_client: Redis) -> None:
    def calls() -> Iterator[Call]:
        for number in range(3):
            yield {"function_args": (number, 2)}

    assert [job.args for job in job_scheduler_many(calls(), function=jobs.add)] == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("calls", [[], (), iter([])])
def test_no_calls_write_nothing(redis_client: Redis, calls: Any) -> None:
    assert job_scheduler_many(calls, function=jobs.add) == []
    assert redis_client.keys("*") == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"function": lambda: None}, ValueError, "function: .*lambda"),
        ({"function": None}, TypeError, "function: expected a function or its dotted path, got None"),
        ({"function_args": 3}, TypeError, "function_args: .* got int"),
        ({"function_args": (1, threading.Lock())}, TypeError, r"function_args\[1\]: .* pickle"),
        ({"function_kwargs": {"lock": threading.Lock()}}, TypeError, r"function_kwargs\['lock'\]: .* pickle"),
        ({"max_retries": -1}, ValueError, "max_retries: .* got -1"),
        ({"retry_intervals": [-3]}, ValueError, "retry_intervals: .* got -3"),
        ({"retry_backoff": "yes"}, TypeError, "retry_backoff: .* got 'yes'"),
        ({"queue_name": "a,b"}, ValueError, "queue_name: .* got 'a,b'"),
        ({"queue_name": ["a"]}, TypeError, r"queue_name: .* got \['a'\]"),
        (
            {"queue_name": "\ud800"},
            ValueError,
            r"queue_name: expected text that UTF-8 can encode, got '\\ud800'",
        ),
        ({"job_timeout": 0}, ValueError, "job_timeout: .* got 0"),
        ({"job_timeout": None}, TypeError, "job_timeout: .* got None"),
        ({"time_delta": 5}, TypeError, "time_delta: .* got 5"),
        ({"time_delta": timedelta(seconds=-1)}, ValueError, "time_delta: "),
        ({"description": 5}, TypeError, "description: .* got 5"),
        ({"description": "\udfff"}, ValueError, "description: expected text that UTF-8 can encode"),
        ({"timeout": 5}, ValueError, "arguments: .* got 'timeout'; did you mean 'job_timeout'"),
        ({"cron": EVERY_MINUTE}, ValueError, "arguments: expected one of function, .* got 'cron'"),
        ({5: 5}, ValueError, "arguments: .* got 5"),
        ((jobs.add, (1, 2)), TypeError, "expected a mapping, got tuple"),
        (None, TypeError, "expected a mapping, got NoneType"),
    ],
)
def test_an_invalid_call_is_refused_by_number_and_nothing_is_written(
    redis_client: Redis, call: Any, error: type[Exception], message: str
) -> None:
    good: Call = {"function_args": (1, 2)}

    with pytest.raises(error, match=rf"^calls\[2\]: {message}"):
        job_scheduler_many([good, good, call, good], function=jobs.add)

    assert redis_client.keys("*") == []


@pytest.mark.parametrize(
    ("calls", "defaults", "error", "message"),
    [
        (5, {}, TypeError, "calls: expected a list of mappings, got int"),
        ("text", {}, TypeError, "calls: expected a list of mappings, got str"),
        ({"function": jobs.add}, {}, TypeError, "calls: expected a list of mappings, got dict"),
        ([], {"timeout": 5}, ValueError, "defaults: .* got 'timeout'; did you mean 'job_timeout'"),
        ([{}], {"cron": EVERY_MINUTE}, ValueError, "defaults: .* got 'cron'"),
        ([{}], {}, TypeError, r"calls\[0\]: function: .* got None"),
        ([{}], {"function": jobs.add, "queue_name": ""}, ValueError, r"calls\[0\]: queue_name: .* got ''"),
    ],
)
def test_invalid_calls_and_defaults_are_refused(
    redis_client: Redis, calls: Any, defaults: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}"):
        job_scheduler_many(calls, **defaults)

    assert redis_client.keys("*") == []


def test_the_error_does_not_show_a_value_that_cannot_be_pickled(redis_client: Redis) -> None:
    secrets = {"password": "hunter2", "lock": threading.Lock()}
    with pytest.raises(TypeError) as raised:
        job_scheduler_many([{"function_kwargs": {"secrets": secrets}}], function=jobs.add)

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("rq:queue:taken", {}),
        ("rq:scheduled:taken", {"time_delta": timedelta(hours=1)}),
        ("rq:queues", {}),
    ],
)
def test_a_queue_key_of_a_wrong_type_is_found_before_anything_is_written(
    redis_client: Redis, key: str, call: Call
) -> None:
    redis_client.set(key, "something else")

    with pytest.raises(ValueError, match=f"expected a .* in Redis at {key}, got a string"):
        job_scheduler_many([{}, call], function=jobs.add, queue_name="taken")

    assert redis_client.keys("*") == [key.encode()]


def test_nothing_is_written_if_redis_runs_out_of_memory(redis_client: Redis) -> None:
    used: Any = redis_client.info("memory")
    redis_client.config_set("maxmemory", used["used_memory"] + 1_000_000)
    try:
        with pytest.raises(ResponseError):
            job_scheduler_many(
                [{"function_args": (os.urandom(200_000), 2)} for _ in range(40)], function=jobs.add
            )
    finally:
        redis_client.config_set("maxmemory", 0)

    assert redis_client.keys("*") == []


def test_functions_of_main_are_accepted_only_for_calls_that_run_in_this_process(
    redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.add, "__module__", "__main__")
    monkeypatch.setattr("__main__.add", jobs.add, raising=False)

    assert len(job_scheduler_many([{"is_burst": True}, {}], function=jobs.add, is_burst=True)) == 2
    with pytest.raises(ValueError, match=r"calls\[1\]: function: .* is in __main__"):
        job_scheduler_many([{"is_burst": True}, {}], function=jobs.add)


def test_calls_take_the_arguments_of_job_scheduler_except_those_of_cron_jobs() -> None:
    assert {*NAMES, "cron", "cron_job_id"} == set(inspect.signature(job_scheduler).parameters)

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job

from rq_mon.cron.definition import CronJob
from rq_mon.settings import SettingsError
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE, DataHubScheduler, job_scheduler
from scheduler.cron_constants import EVERY_MINUTE
from tests.harness import jobs


def enqueued(*args: Any, **kwargs: Any) -> Job:
    job = job_scheduler(*args, **kwargs)
    assert isinstance(job, Job)
    return job


def work(queue_name: str = SHORT_RUNNING_QUEUE) -> None:
    with DataHubScheduler("burst-no-fork") as scheduler:
        scheduler.work(queue_name)


def test_by_default_a_job_has_three_retries_and_a_timeout_of_three_minutes(redis_client: Redis) -> None:
    job = enqueued(jobs.sleep)

    stored = Job.fetch(job.id, redis_client)
    assert stored.origin == SHORT_RUNNING_QUEUE
    assert (stored.retries_left, stored.retry_intervals, stored.timeout) == (3, [0], 180)
    assert Queue(SHORT_RUNNING_QUEUE, connection=redis_client).job_ids == [job.id]


def test_a_worker_calls_the_function_with_its_arguments(redis_client: Redis) -> None:
    job = enqueued(jobs.add, function_args=(2,), function_kwargs={"second": 3}, queue_name=LONG_RUNNING_QUEUE)

    work(LONG_RUNNING_QUEUE)

    assert job.return_value() == 5


@pytest.mark.parametrize(
    ("function", "args", "result"),
    [
        ("tests.harness.jobs.add", (1, 2), 3),
        (jobs.Counter(40).plus, (2,), 42),
        (jobs.Counter(7), (), 7),
        (jobs.Counter.name, (), "Counter"),
        (jobs.Counter.zero, (), 0),
    ],
)
def test_any_importable_function_runs(
    redis_client: Redis, function: Any, args: tuple[Any, ...], result: object
) -> None:
    job = enqueued(function, args, is_burst=True)

    work()

    assert job.return_value() == result


def test_without_retries_a_job_fails_at_once(redis_client: Redis) -> None:
    job = enqueued(jobs.fail, max_retries=None)

    work()

    assert job.is_failed


def test_a_job_is_retried_until_it_succeeds(redis_client: Redis) -> None:
    job = enqueued(jobs.fail_once, max_retries=1)

    work()

    assert job.return_value() == "at last"


def test_a_retry_with_an_interval_is_delayed(redis_client: Redis) -> None:
    job = enqueued(jobs.fail, max_retries=3, retry_backoff=30)

    work()

    assert job.retry_intervals == [30, 961, 1024]
    with DataHubScheduler() as scheduler:
        assert scheduler.job(job.id).is_scheduled
        assert scheduler.scheduled_count(SHORT_RUNNING_QUEUE) == 1


def test_time_delta_delays_the_job(redis_client: Redis) -> None:
    job = enqueued(jobs.sleep, (0,), time_delta=timedelta(hours=1), job_timeout=600, max_retries=1)

    work()

    assert job.get_status() == "scheduled"
    assert (job.timeout, job.retries_left) == (600, 1)


def test_a_cron_job_with_an_explicit_id_can_have_any_argument(redis_client: Redis) -> None:
    cron_job = job_scheduler(jobs.add, (timedelta(1), 2), cron=EVERY_MINUTE, cron_job_id="mine")

    assert cron_job.id == "mine"


def test_cron_registers_a_cron_job_with_the_same_arguments(redis_client: Redis) -> None:
    cron_job = job_scheduler(
        jobs.add,
        (1, 2),
        queue_name=LONG_RUNNING_QUEUE,
        max_retries=2,
        retry_backoff=True,
        job_timeout=60,
        cron=EVERY_MINUTE,
        description="adds up",
    )

    assert isinstance(cron_job, CronJob)
    assert (cron_job.queue_name, cron_job.timeout, cron_job.description) == (
        LONG_RUNNING_QUEUE,
        60,
        "adds up",
    )
    assert (cron_job.max_retries, cron_job.retry_intervals) == (2, (1, 4))
    with DataHubScheduler() as scheduler:
        assert scheduler.scheduled_jobs() == [cron_job]


def test_a_job_can_have_no_timeout(redis_client: Redis) -> None:
    assert enqueued(jobs.sleep, (0,), job_timeout=-1).timeout == -1


def test_arguments_do_not_show_in_the_description(redis_client: Redis) -> None:
    job = enqueued(jobs.add, (1, 2), {"password": "hunter2"})

    assert job.description == "tests.harness.jobs.add"
    assert enqueued(jobs.add, (1, 2), description="adds up").description == "adds up"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": lambda: None}, ValueError, "function: .*lambda"),
        ({"function_args": 3}, TypeError, "function_args: .* got int"),
        ({"function_args": "text"}, TypeError, "function_args: .* got str"),
        ({"function_args": (1, threading.Lock())}, TypeError, r"function_args\[1\]: .* pickle"),
        ({"function_kwargs": [1]}, TypeError, "function_kwargs: .* got list"),
        ({"function_kwargs": {1: 2}}, TypeError, "function_kwargs: .* got 1"),
        ({"function_kwargs": {"lock": threading.Lock()}}, TypeError, r"function_kwargs\['lock'\]: .* pickle"),
        ({"max_retries": -1}, ValueError, "max_retries: .* got -1"),
        ({"max_retries": "3"}, TypeError, "max_retries: .* got '3'"),
        ({"retry_intervals": [-3]}, ValueError, "retry_intervals: .* got -3"),
        ({"retry_backoff": -3}, ValueError, "retry_backoff: .* got -3"),
        ({"queue_name": ""}, ValueError, "queue_name: .* got ''"),
        ({"queue_name": "a,b"}, ValueError, "queue_name: .* got 'a,b'"),
        ({"queue_name": None}, TypeError, "queue_name: .* got None"),
        ({"job_timeout": 0}, ValueError, "job_timeout: .* got 0"),
        ({"job_timeout": -2}, ValueError, "job_timeout: .* got -2"),
        ({"job_timeout": True}, TypeError, "job_timeout: .* got True"),
        ({"job_timeout": float("nan")}, ValueError, "job_timeout: .* got nan"),
        ({"job_timeout": float("inf")}, ValueError, "job_timeout: .* got inf"),
        ({"job_timeout": None}, TypeError, "job_timeout: .* got None"),
        ({"time_delta": 5}, TypeError, "time_delta: .* got 5"),
        ({"time_delta": timedelta(seconds=-1)}, ValueError, "time_delta: "),
        ({"time_delta": timedelta(days=2912116)}, ValueError, "time_delta: expected at most 36500 days"),
        ({"description": 5}, TypeError, "description: .* got 5"),
        ({"cron": "61 * * * *"}, ValueError, r"cron: .* got '61 \* \* \* \*'"),
        ({"cron": ""}, ValueError, "cron: .* got ''"),
        ({"cron": "@reboot"}, ValueError, "cron: .* got '@reboot'"),
        ({"cron": "0 0 30 2 *"}, ValueError, "cron: .* with a tick in the future, got '0 0 30 2"),
        ({"cron": 5}, TypeError, "cron: .* got 5"),
        ({"cron": EVERY_MINUTE, "job_timeout": 0}, ValueError, "job_timeout: .* got 0"),
        ({"cron": EVERY_MINUTE, "function_args": (threading.Lock(),)}, TypeError, r"function_args\[0\]: "),
        ({"cron": EVERY_MINUTE, "cron_job_id": "a b"}, ValueError, "id: .* got 'a b'"),
        ({"cron_job_id": "mine"}, ValueError, "cron_job_id: expected only with cron, got 'mine'"),
        (
            {"cron": EVERY_MINUTE, "function_args": (timedelta(1),)},
            ValueError,
            r"id: expected one, since .*args\[0\] is or holds an object of type datetime.timedelta",
        ),
        ({"cron": EVERY_MINUTE, "queue_name": "a,b"}, ValueError, "queue_name: "),
        (
            {"cron": EVERY_MINUTE, "time_delta": timedelta(seconds=1)},
            ValueError,
            "cron and time_delta: expected at most one",
        ),
    ],
)
def test_an_invalid_argument_is_refused_by_name_and_nothing_is_written(
    redis_client: Redis, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        job_scheduler(**({"function": jobs.add} | arguments))

    assert redis_client.keys("*") == []


def test_the_error_does_not_show_a_value_that_cannot_be_pickled(redis_client: Redis) -> None:
    with pytest.raises(TypeError) as raised:
        job_scheduler(
            jobs.add, function_kwargs={"secrets": {"password": "hunter2", "lock": threading.Lock()}}
        )

    assert "hunter2" not in str(raised.value)


def test_settings_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "http://localhost")

    with pytest.raises(SettingsError, match="RQ_REDIS_URL"):
        job_scheduler(jobs.add)


def test_fetching_a_missing_job_raises_no_such_job_error(redis_client: Redis) -> None:
    with DataHubScheduler() as scheduler, pytest.raises(NoSuchJobError):
        scheduler.job("no-such-job")

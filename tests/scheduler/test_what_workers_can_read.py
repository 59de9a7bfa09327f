"""Values that a worker could not read are refused before anything is written; timeouts are read as in RQ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, assert_type

import pytest
from redis import Redis
from rq.job import Job

from rq_mon.calls.arguments import LONGEST_TIME_DELTA
from rq_mon.cron.definition import CronJob
from scheduler import DataHubScheduler, job_scheduler
from scheduler.cron_constants import EVERY_MINUTE
from tests.harness import jobs

OF_MAIN = """
import dataclasses, sys
from scheduler import job_scheduler

@dataclasses.dataclass
class Order:
    number: int
    def send(self): print("sent", self.number)

class Meta(type): ...
class Odd(metaclass=Meta): ...
class Numbers(list): ...
def helper(): ...

value = {value}
try:
    job = job_scheduler({function}, function_args={args}, is_burst={is_burst})
except (TypeError, ValueError) as error:
    print("refused:", error)
else:
    print("enqueued")
"""


def of_main(
    root: Path, value: str, function: str = '"builtins.repr"', args: str = "[1, value]", **more: Any
) -> str:
    program = OF_MAIN.format(value=value, function=function, args=args, is_burst=more.get("is_burst", False))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "value",
    ["Order(1)", "[{'deep': (Order(1),)}]", "Order", "helper", "Odd()", "Odd", "Numbers([1])", "{Order}"],
)
def test_a_value_of_main_is_refused_by_its_place(redis_client: Redis, project_root: Path, value: str) -> None:
    said = of_main(project_root, value)
    assert said.startswith(
        "refused: function_args[1]: expected a value that can be pickled and read by a worker"
    )
    assert "__main__" in said
    assert redis_client.keys("*") == []


def test_a_method_of_an_object_of_main_is_refused(redis_client: Redis, project_root: Path) -> None:
    assert "is in __main__" in of_main(project_root, "Order(1)", "value.send", "None")
    assert redis_client.keys("*") == []


def test_values_of_main_are_accepted_for_jobs_in_this_process(
    redis_client: Redis, project_root: Path
) -> None:
    assert of_main(project_root, "Order(1)", is_burst=True) == "enqueued"
    assert redis_client.llen("rq:queue:short-running") == 1


class Refuses:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class NeedsTwoError(Exception):
    """It can be pickled but not unpickled, like many exceptions of applications."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@pytest.mark.parametrize(
    "value",
    [
        *map(
            Refuses,
            (RuntimeError("gone"), OSError(5, "no"), KeyError("x"), SpeechlessError(), StopIteration()),
        ),
        NeedsTwoError(1, "text"),
        lambda: None,
    ],
    ids=lambda value: type(getattr(value, "error", value)).__name__,
)
@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (lambda value: {"function_args": (1, value)}, r"^function_args\[1\]: expected a value that "),
        (
            lambda value: {"function_kwargs": {"a": [value]}},
            r"^function_kwargs\['a'\]: expected a value that ",
        ),
        (lambda value: {"function_args": (value,), "cron": EVERY_MINUTE}, r"^function_args\[0\]: "),
        (
            lambda value: {"function_args": (value,), "time_delta": timedelta(hours=1)},
            r"^function_args\[0\]: ",
        ),
    ],
)
def test_any_error_of_pickling_names_the_place_and_nothing_is_written(
    redis_client: Redis, value: object, arguments: Callable[[object], dict[str, Any]], place: str
) -> None:
    with pytest.raises(TypeError, match=place):
        job_scheduler(jobs.add, **arguments(value))
    assert redis_client.keys("*") == []


def test_the_scheduler_refuses_arguments_and_meta_too(redis_client: Redis) -> None:
    value = Refuses(RuntimeError("gone"))
    with DataHubScheduler() as scheduler:
        with pytest.raises(TypeError, match=r"^args\[0\]: .*gone"):
            scheduler.enqueue("queue", jobs.add, value)
        with pytest.raises(TypeError, match=r"^meta: .*gone"):
            scheduler.enqueue("queue", jobs.add, meta={"key": value})
    assert redis_client.keys("*") == []


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("3m", 180),
        ("2h", 7200),
        ("90s", 90),
        ("1D", 86400),
        ("45", 45),
        (60.0, 60),
        (60.9, 60),
        (-1, -1),
        ("-1", -1),
    ],
)
def test_timeouts_are_interpreted_as_in_rq(redis_client: Redis, timeout: Any, seconds: int) -> None:
    now = job_scheduler(jobs.add, job_timeout=timeout)
    later = job_scheduler(jobs.add, job_timeout=timeout, time_delta=timedelta(hours=1))
    cron = job_scheduler(jobs.add, job_timeout=timeout, cron=EVERY_MINUTE)
    with DataHubScheduler() as scheduler:
        plain = scheduler.enqueue("queue", jobs.add, job_timeout=timeout)
        (registered,) = scheduler.scheduled_jobs()

    found = [Job.fetch(job.id, connection=redis_client).timeout for job in (now, later, plain)]
    assert [*found, cron.timeout, registered.timeout] == [seconds] * 5


@pytest.mark.parametrize("timeout", ["", "3 weeks", "m", "-3m", "0", "0s", 0, 0.5, -2, float("nan"), 1e400])
def test_refuses_an_invalid_timeout(redis_client: Redis, timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"job_timeout: expected seconds above 0, text such as '3m'.*; got"):
        job_scheduler(jobs.add, job_timeout=timeout)
    assert redis_client.keys("*") == []


@pytest.mark.parametrize("timeout", [None, True, [60], b"3m", timedelta(minutes=3)])
def test_a_timeout_of_another_type_is_refused(redis_client: Redis, timeout: Any) -> None:
    with pytest.raises(TypeError, match=r"job_timeout: .* got"):
        job_scheduler(jobs.add, job_timeout=timeout)
    assert redis_client.keys("*") == []


def test_returns_a_job_or_a_cron_job(redis_client: Redis) -> None:
    """Mypy checks `assert_type`."""
    either: str | None = EVERY_MINUTE
    assert_type(job_scheduler(jobs.add), Job)
    assert_type(job_scheduler(jobs.add, (1, 2), time_delta=timedelta(hours=1)), Job)
    assert_type(job_scheduler(jobs.add, (1, 2), cron=EVERY_MINUTE), CronJob)
    assert_type(job_scheduler(jobs.add, (1, 3), cron=either or None), Job | CronJob)


def test_the_longest_delay_is_accepted_and_a_longer_one_is_not(redis_client: Redis) -> None:
    assert job_scheduler(jobs.add, time_delta=LONGEST_TIME_DELTA).get_status() == "scheduled"
    with pytest.raises(ValueError, match="expected at most 36500 days"):
        job_scheduler(jobs.add, time_delta=LONGEST_TIME_DELTA + timedelta(microseconds=1))

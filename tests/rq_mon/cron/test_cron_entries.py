from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import cron_jobs
from rq_mon.cron.definition import CronJob, UnreadableDefinitionError
from rq_mon.cron.entries import CronEntryError, define_all
from rq_mon.settings import Settings
from scheduler import LONG_RUNNING_QUEUE
from scheduler.cron.entries import CronEntry
from tests.harness import jobs

SETTINGS = Settings(timezone=ZoneInfo("Europe/London"))
NOW = 1_748_779_200


def test_an_entry_takes_the_arguments_of_job_scheduler() -> None:
    entry = CronEntry(
        function=jobs.add,
        cron="0 9 * * MON-FRI",
        function_args=(1,),
        function_kwargs={"second": 2},
        max_retries=2,
        retry_backoff=10,
        queue_name=LONG_RUNNING_QUEUE,
        job_timeout=60,
        description="adds up",
        id="adder",
    )

    (cron_job,) = define_all([entry], SETTINGS, NOW)

    assert (cron_job.id, cron_job.function, cron_job.queue_name) == (
        "adder",
        "tests.harness.jobs.add",
        "long-running",
    )
    assert (cron_job.timeout, cron_job.max_retries, cron_job.retry_intervals) == (60, 2, (10, 121))
    assert (cron_job.schedule.expression, cron_job.schedule.timezone) == (
        "0 9 * * MON-FRI",
        ZoneInfo("Europe/London"),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"function": "demo.no_such"}, r"number 2 of the list \('demo.no_such'\): function: "),
        ({"cron": "nonsense"}, "number 2 of the list .* cron: .* 'nonsense'"),
        ({"max_retries": -1}, "number 2 of the list .* max_retries: .* -1"),
        ({"function_args": 5}, "number 2 of the list .* function_args: "),
        ({"id": "not an id"}, "number 2 of the list .* id: .* 'not an id'"),
        ({"job_timeout": 0}, "number 2 of the list .* job_timeout: "),
        ({"function": jobs.sleep}, "numbers? 1 and 2 of the list have the same id, 'sleep-[0-9a-f]+'"),
    ],
)
def test_an_invalid_entry_is_refused_by_name(fields: dict[str, Any], message: str) -> None:
    good = CronEntry(function=jobs.sleep, cron="* * * * *")
    defaults: dict[str, Any] = {"function": jobs.add, "cron": "* * * * *"}
    bad = CronEntry(**(defaults | fields))

    with pytest.raises(CronEntryError, match=message):
        define_all([good, bad], SETTINGS, NOW)


def test_the_shipped_list_is_valid_and_checks_the_queues_every_ten_minutes() -> None:
    defined = define_all(cron_jobs.CRON_JOBS, Settings(), NOW)

    schedules = {cron_job.function.rpartition(".")[2]: cron_job.schedule.expression for cron_job in defined}
    assert schedules["queue_health_check"] == "*/10 * * * *"


@pytest.mark.parametrize(
    "retries",
    [{"max_retries": None}, {}, {"retry_backoff": True}, {"max_retries": 5, "retry_intervals": [1.5, 30]}],
)
def test_a_definition_is_read_as_it_was_written(retries: dict[str, Any]) -> None:
    entry = CronEntry(
        function=jobs.Counter(1).plus, cron="*/5 * * * *", function_args=(b"\x00", "ä"), id="plus", **retries
    )
    (cron_job,) = define_all([entry], SETTINGS, NOW)

    assert CronJob.from_json(cron_job.id, cron_job.to_json()) == cron_job


def test_a_printed_cron_job_does_not_show_its_arguments() -> None:
    (cron_job,) = define_all(
        [CronEntry(function=jobs.add, cron="* * * * *", function_args=("hunter2",))], SETTINGS, NOW
    )

    assert "hunter2" not in repr(cron_job)


def stored(**fields: object) -> str:
    (cron_job,) = define_all([CronEntry(function=jobs.sleep, cron="* * * * *")], SETTINGS, NOW)
    return json.dumps(json.loads(cron_job.to_json()) | fields)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '"text"',
        b"\xff\xfe",
        stored(schedule="nonsense"),
        stored(schedule=None),
        stored(timezone="Mars/Olympus"),
        stored(timezone=5),
        stored(call="%%%"),
        stored(queue=""),
        stored(timeout="soon"),
        stored(retry_intervals=None),
        stored(retry_intervals=["x"]),
        stored(retry_intervals=[10**400]),
        stored(retry_intervals=[1, 2, 3, 4]),
        stored(max_retries="many"),
        stored(max_retries=-1),
        stored(max_retries=float("inf")),
        stored(max_retries=float("nan")),
        stored(description="\ud800"),
        stored(queue="\ud800"),
        "[" * 100_000,
        stored(function=None),
    ],
)
def test_reports_data_that_is_no_definition_as_unreadable(text: str | bytes) -> None:
    with pytest.raises(UnreadableDefinitionError) as raised:
        CronJob.from_json("id", text)

    cause = raised.value.__cause__
    assert str(raised.value) == f"{type(cause).__name__}: {cause}"

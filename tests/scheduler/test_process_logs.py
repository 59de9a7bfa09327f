"""With RQ_LOG_FORMAT=json every line is one object, and each line about a job names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from scheduler import SHORT_RUNNING_QUEUE, DataHubScheduler
from tests.harness import jobs
from tests.harness.processes import Process, Start
from tests.rq_mon.cron.cron import EVERY_SECOND, with_list
from tests.rq_mon.cron.test_process_cron import CRON_SCHEDULER

pytestmark = pytest.mark.slow

WORKER = "short-running-worker.py"
SECRET = "hunter2"

Line = dict[str, str]

needs_the_exporter = pytest.mark.skipif(
    find_spec("prometheus_client") is None, reason="the exporter is not installed beside RQ 3"
)


@pytest.fixture
def scheduler(redis_client: Any) -> Iterator[DataHubScheduler]:
    with DataHubScheduler() as scheduler:
        yield scheduler


def lines_of(process: Process) -> list[Line]:
    """The log; every line must be an object."""
    return [json.loads(line) for line in process.output.splitlines()]


def about(job: Any, process: Process) -> list[Line]:
    """The lines that contain the job's id, or that its process wrote."""
    return [line for line in lines_of(process) if job.id in json.dumps(line)]


def fields_of(job: Any, function: str) -> Line:
    return {"job_id": job.id, "queue": SHORT_RUNNING_QUEUE, "function": f"tests.harness.jobs.{function}"}


def run(scheduler: DataHubScheduler, start: Start, function: Any, *args: Any) -> tuple[Any, Process]:
    job = scheduler.enqueue(SHORT_RUNNING_QUEUE, function, *args)
    worker = start(WORKER, RQ_LOG_FORMAT="json", RQ_LOG_LEVEL="DEBUG")
    wait_until(lambda: job.get_status() in ("finished", "failed"), "the job to end")
    worker.stop()
    return job, worker


def test_every_line_about_a_job_names_job_queue_and_function(
    scheduler: DataHubScheduler, start: Start
) -> None:
    job, worker = run(scheduler, start, jobs.log_and_fail, SECRET)

    reported = about(job, worker)
    assert [line for line in reported if not fields_of(job, "log_and_fail").items() <= line.items()] == []
    messages = {line["message"] for line in reported}
    assert {"half way\nthere", "from a thread", "caught"} <= messages
    assert SECRET not in worker.output


def test_exceptions_are_inside_the_object(scheduler: DataHubScheduler, start: Start) -> None:
    job, worker = run(scheduler, start, jobs.log_and_fail, SECRET)

    exceptions = {line["message"]: line["exception"] for line in about(job, worker) if "exception" in line}
    (raised,) = (message for message in exceptions if "exception raised while executing" in message)
    assert exceptions[raised].startswith("Traceback (most recent call last):\n")
    assert exceptions[raised].endswith("ValueError: the end")
    assert exceptions["caught"].endswith("ValueError: invalid literal for int() with base 10: 'no number'")


def test_the_end_of_a_killed_work_horse_is_logged_with_its_job(
    scheduler: DataHubScheduler, start: Start
) -> None:
    job, worker = run(scheduler, start, jobs.die)

    (reported,) = (line for line in about(job, worker) if "failed (Work-horse terminated" in line["message"])
    assert reported["level"] == "WARNING"
    assert fields_of(job, "die").items() <= reported.items()


def test_lines_that_are_not_about_a_job_name_none(scheduler: DataHubScheduler, start: Start) -> None:
    _, worker = run(scheduler, start, jobs.add, 1, 2)

    lines = lines_of(worker)
    ending = next(n for n, line in enumerate(lines) if "unsubscribing from channel" in line["message"])
    assert [line for line in lines[ending:] if "job_id" in line] == []
    (listening,) = (line for line in lines if line["message"].startswith("*** Listening on"))
    assert listening.keys() == {"time", "level", "logger", "message"}
    assert "\x1b" not in listening["message"]


def test_the_worker_that_finds_an_abandoned_job_logs_it(scheduler: DataHubScheduler, start: Start) -> None:
    job = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.sleep, 60)
    killed = start(WORKER)
    wait_until(lambda: job.get_status() == "started", "the job to start")
    killed.kill()

    finder = start(WORKER, RQ_LOG_FORMAT="json")

    finder.wait_for_log("abandoned job=", within=60)
    (reported,) = (line for line in lines_of(finder) if line["message"].startswith("abandoned job="))
    assert fields_of(job, "sleep").items() <= reported.items()


def test_cron_ticks_name_cron_job_job_queue_and_function(redis_client: Any, start: Start) -> None:
    process = start(*with_list(EVERY_SECOND), RQ_LOG_FORMAT="json")
    process.wait_for_log("enqueued job=second-")
    process.stop()

    reported = [line for line in lines_of(process) if line["message"].startswith("enqueued job=")]
    assert reported
    for line in reported:
        assert line["job_id"].startswith("second-")
        assert line["cron_job"] == "second"
        assert (line["queue"], line["function"]) == (SHORT_RUNNING_QUEUE, "tests.harness.jobs.record")
    assert SECRET not in process.output


def test_an_exception_that_ends_the_process_is_one_object_too(redis_client: Any, start: Start) -> None:
    broken = "from rq_mon.logs import configure_logging; configure_logging('INFO', 'json'); 1 / 0"
    process = start("-c", broken)

    assert process.wait() == 1
    (line,) = lines_of(process)
    assert line["level"] == "CRITICAL"
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    "command",
    [(WORKER,), (CRON_SCHEDULER,), pytest.param(("-m", "rq_mon.exporter"), marks=needs_the_exporter)],
)
def test_refuses_an_unknown_format_and_lists_the_known_ones(
    redis_client: Any, start: Start, command: tuple[str, ...]
) -> None:
    process = start(*command, RQ_LOG_FORMAT="xml")

    assert process.wait() == 1
    assert "RQ_LOG_FORMAT: expected one of text, json, got 'xml'" in process.output


@needs_the_exporter
def test_the_exporter_logs_objects(redis_client: Any, start: Start) -> None:
    process = start("-m", "rq_mon.exporter", RQ_LOG_FORMAT="json", RQ_EXPORTER_PORT=str(free_port()))
    process.wait_for_log("serving http://")
    process.stop()

    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines_of(process))

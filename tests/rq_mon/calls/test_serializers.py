"""With RQ_SERIALIZER=json nothing is pickled, nothing is unpickled, and what JSON cannot hold is refused."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, Retry
from rq.job import Job

from proofs.harness.waiting import wait_until
from rq_mon.calls.serializers import JSON, PICKLE
from rq_mon.catalogue import CRON_JOBS_KEY
from rq_mon.cron.definition import CronJob
from rq_mon.settings import Settings, SettingsError
from scheduler import SHORT_RUNNING_QUEUE, DataHubScheduler, job_scheduler
from tests.harness import jobs
from tests.harness.processes import Start
from tests.rq_mon.worker.counters import ends, failures

PICKLE_SIGN = b"\x80"
WORKER = "short-running-worker.py"
JSON_MODE = {"RQ_SERIALIZER": "json"}


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def json_mode(redis_client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty Redis, with RQ_SERIALIZER=json in all processes."""
    monkeypatch.setenv("RQ_SERIALIZER", "json")
    return redis_client


@pytest.fixture
def scheduler(json_mode: Any) -> Iterator[DataHubScheduler]:
    with DataHubScheduler("burst-no-fork") as scheduler:
        yield scheduler


def values_in(redis: Any) -> list[bytes]:
    """Every value of every hash and stream in Redis."""
    found: list[bytes] = []
    for key in redis.scan_iter():
        kind = redis.type(key)
        if kind == b"hash":
            found += redis.hvals(key)
        elif kind == b"stream":
            found += [value for _, entry in redis.xrange(key) for value in entry.values()]
    return found


def test_a_job_and_its_result_are_json(scheduler: DataHubScheduler, json_mode: Any) -> None:
    job = job_scheduler(jobs.add, (1,), {"second": 2}, is_burst=True)
    assert isinstance(job, Job)
    stored = json_mode.hgetall(job.key)

    scheduler.work(SHORT_RUNNING_QUEUE)

    assert json.loads(_unpacked(stored[b"data"])) == ["tests.harness.jobs.add", None, [1], {"second": 2}]
    assert scheduler.job(job.id).return_value() == 3
    assert not [value for value in values_in(json_mode) if _unpacked(value).startswith(PICKLE_SIGN)]


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def test_rq_itself_reads_what_is_written(scheduler: DataHubScheduler, json_mode: Any) -> None:
    ours = scheduler.enqueue("queue", jobs.add, 1, 2, meta={"by": "us"})
    theirs = Queue("queue", connection=json_mode, serializer="json").enqueue(jobs.add, 3, 4)

    scheduler.work("queue")

    read = Job.fetch(ours.id, connection=json_mode, serializer="json")
    assert (read.args, read.meta, read.return_value()) == ([1, 2], {"by": "us"}, 3)
    assert scheduler.job(theirs.id).return_value() == 7


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "got datetime: JSON has no type datetime"),
        (b"bytes", "got bytes: JSON has no type bytes"),
        ({1, 2}, "got set: JSON has no type set"),
        ([{"deep": object()}], "got list: JSON has no type object"),
        ({1: "one"}, "got dict: JSON has no keys of type int"),
        (float("nan"), "got float: JSON has no number nan"),
    ],
    ids=["date", "bytes", "set", "deep", "key", "nan"],
)
@pytest.mark.parametrize("how", [{}, {"time_delta": timedelta(hours=1)}, {"cron": "* * * * *"}])
def test_an_argument_that_json_cannot_hold_is_refused_by_name_and_nothing_is_written(
    json_mode: Any, value: Any, reason: str, how: dict[str, Any]
) -> None:
    with pytest.raises(TypeError) as positional:
        job_scheduler(jobs.record, ("fine", value), **how)
    with pytest.raises(TypeError) as named:
        job_scheduler(jobs.record, function_kwargs={"value": value}, **how)

    expected = "expected a value that JSON can hold, "
    assert str(positional.value) == f"function_args[1]: {expected}{reason}"
    assert str(named.value) == f"function_kwargs['value']: {expected}{reason}"
    assert json_mode.keys() == []


def test_an_argument_that_contains_itself_is_refused(scheduler: DataHubScheduler, json_mode: Any) -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(TypeError, match=r"args\[0\]: expected a value that JSON can hold, got list"):
        scheduler.enqueue("queue", jobs.record, endless)

    assert json_mode.keys() == []


def test_meta_that_json_cannot_hold_is_refused(scheduler: DataHubScheduler, json_mode: Any) -> None:
    with pytest.raises(
        TypeError, match="meta: expected a value that JSON can hold, got dict: JSON has no type set"
    ):
        scheduler.enqueue("queue", jobs.record, 1, meta={"tags": {"a"}})

    assert json_mode.keys() == []


@pytest.mark.parametrize("method", [jobs.Counter(1).plus, jobs.Counter.name, jobs.Counter(1)])
def test_a_method_whose_object_would_have_to_be_pickled_is_refused(json_mode: Any, method: Any) -> None:
    with pytest.raises(TypeError, match="function: expected a method of an object that JSON can hold"):
        job_scheduler(method)

    assert json_mode.keys() == []


def test_values_that_json_returns_unchanged_are_accepted(scheduler: DataHubScheduler) -> None:
    values = [None, True, 1, 1.5, "größe ☃", [1, [2]], {"a": {"b": None}}]

    job = scheduler.enqueue("queue", jobs.record, values)

    assert scheduler.job(job.id).args == [values]


@pytest.mark.slow
@pytest.mark.parametrize("meta", [None, {"by": "force"}], ids=["no meta", "pickled meta"])
@pytest.mark.parametrize("retries", [None, 1])
def test_a_pickled_job_fails_with_the_reason_and_is_not_unpickled(
    json_mode: Any, start: Start, tmp_path: Path, meta: Any, retries: int | None
) -> None:
    trap = Trap(tmp_path / "unpickled")
    worker = start(WORKER)
    worker.wait_for_log("Listening on")

    queue = Queue(SHORT_RUNNING_QUEUE, connection=json_mode)  # pickles
    forced = queue.enqueue(jobs.record, trap, meta=meta, retry=Retry(retries) if retries else None)
    after = job_scheduler(jobs.record, ("after",))

    assert isinstance(after, Job)
    wait_until(lambda: after.get_status() == "finished", "the job after it")
    read = Job.fetch(forced.id, connection=json_mode, serializer=JSON.serializer)
    wait_until(lambda: read.get_status() == "failed", "the pickled job to fail")
    result = read.latest_result()
    assert result is not None
    assert "expected JSON, as RQ_SERIALIZER says, got a pickle, which is not read" in str(result.exc_string)
    assert not trap.path.exists()
    assert json_mode.lrange("trace", 0, -1) == [b"after"]
    function = "tests.harness.jobs.record"
    outcomes = {"success": 1, "failed": 1} | ({"retried": 1} if retries else {})
    assert ends(json_mode, SHORT_RUNNING_QUEUE) == {(function, each): n for each, n in outcomes.items()}
    assert failures(json_mode, SHORT_RUNNING_QUEUE) == {
        (function, "DeserializationError"): 2 if retries else 1
    }
    worker.stop()


def test_the_trap_works_with_pickle(tmp_path: Path) -> None:
    """The trap in the previous test works."""
    trap = Trap(tmp_path / "unpickled")

    PICKLE.serializer.loads(pickle.dumps(trap))

    assert trap.path.exists()


@pytest.mark.slow
def test_a_cron_job_runs_from_its_list_to_its_result_in_json(json_mode: Any, start: Start) -> None:
    cron = start("-c", CRON_SCRIPT)
    cron.wait_for_log("enqueued job=")
    worker = start(WORKER)

    wait_until(lambda: json_mode.llen("trace"), "the cron job to run")

    worker.wait_for_log("started job=mine-")
    (definition,) = json_mode.hvals(CRON_JOBS_KEY)
    assert json.loads(CronJob.from_json("mine", definition).call)[2:] == [["cron"], {}]
    wait_until(
        lambda: ends(json_mode, SHORT_RUNNING_QUEUE).get(("tests.harness.jobs.record", "success")), "count"
    )
    (job_key, *_) = json_mode.scan_iter("rq:job:mine-*")
    job = Job.fetch(job_key.decode().removeprefix("rq:job:"), connection=json_mode, serializer="json")
    assert job.meta["cron_job"] == "mine"
    for process in (cron, worker):
        process.stop()  # a killed worker's work horse may still run in the next test


CRON_SCRIPT = """
from scheduler.cron.entries import CronEntry
from rq_mon.cron.runner import run_cron_scheduler
from tests.harness import jobs
entry = CronEntry(function=jobs.record, cron="* * * * * */1", function_args=("cron",), id="mine")
run_cron_scheduler([entry])
"""


def test_a_listed_cron_job_that_json_cannot_hold_is_refused_by_name(json_mode: Any, start: Start) -> None:
    script = CRON_SCRIPT.replace('("cron",)', "(b'cron',)")
    cron = start("-c", script)

    assert cron.wait() != 0
    assert "function_args[0]: expected a value that JSON can hold, got bytes" in cron.output
    assert not json_mode.exists(CRON_JOBS_KEY)


@pytest.mark.slow
def test_a_job_whose_worker_was_killed_is_counted(json_mode: Any, start: Start) -> None:
    killed = start(WORKER, RQ_JOB_MONITORING_INTERVAL_SECONDS="1")
    job = job_scheduler(jobs.record_and_sleep, ("once", 30), max_retries=None)
    wait_until(lambda: json_mode.llen("trace"), "the job to run")

    killed.kill()
    start(WORKER, RQ_JOB_MONITORING_INTERVAL_SECONDS="1")

    assert isinstance(job, Job)
    counted = ("tests.harness.jobs.record_and_sleep", "abandoned")
    wait_until(lambda: ends(json_mode, SHORT_RUNNING_QUEUE).get(counted) == 1, "the count", within=60)
    assert job.get_status() == "failed"


def test_delayed_jobs_and_retries_stay_json(json_mode: Any, start: Start) -> None:
    job_scheduler(jobs.record, ("later",), time_delta=timedelta(seconds=1))
    again = job_scheduler(jobs.fail_once, retry_intervals=1)
    start(WORKER)

    assert isinstance(again, Job)
    wait_until(lambda: json_mode.llen("trace"), "the delayed job")
    wait_until(lambda: again.get_status() == "finished", "the retry")
    assert again.return_value() == "at last"


def test_an_unknown_serializer_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="RQ_SERIALIZER: expected one of pickle, json, got 'yaml'"):
        Settings.from_environment({"RQ_SERIALIZER": "yaml"})

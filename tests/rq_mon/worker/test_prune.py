"""Prune removes series that are no longer written; those in use stay unchanged."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from rq_mon.catalogue import MONITORED_QUEUES_KEY, OPERATOR_CHANGES_KEY, Outcome
from rq_mon.series import functions_key, jobs_key, waits_key
from rq_mon.worker.pruning import DAY, Pruned, prune
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.worker.counters import ends, failures, functions, series, waits

RECORDER = JobRecorder(max_functions=200, max_exceptions=50)
LONG_AGO = int(time.time()) - 31 * DAY


def record(redis: Redis, function: str, exception: str = "", queue: str = "mail") -> None:
    outcome: Outcome = "failed" if exception else "success"
    RECORDER.record_start(redis, Start("execution", queue, "", waited=1.0))
    RECORDER.record_end(redis, End("execution", "job", queue, function, outcome, exception, 2.0))


def stored(redis: Redis) -> dict[bytes, object]:
    return {key: redis.dump(key) for key in redis.scan_iter("rq:monitor:*") if b":counted:" not in key}


def age(redis: Redis, key: str, *fields: str) -> None:
    for field in fields:
        assert redis.hexists(key, field)
        redis.hset(key, field, str(LONG_AGO))


def pruned(redis: Redis) -> list[Pruned]:
    problems: list[str] = []
    removed = list(prune(redis, 30 * DAY, problems.append))
    assert problems == []
    return removed


def test_an_outcome_that_is_no_longer_written_is_removed_with_all_its_fields(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    record(redis_client, "app.send", "ValueError")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    removed = pruned(redis_client)
    left = series(redis_client, "mail", "app.send")
    assert removed == [Pruned("mail", "app.send", "success")]
    assert list(left.outcomes) == ["failed"]
    assert left.outcomes["failed"].count == 1
    assert list(left.exceptions) == ["ValueError"]


def test_an_exception_that_is_no_longer_raised_makes_room_for_others(redis_client: Redis) -> None:
    record(redis_client, "app.send", "Old:Error\n")
    record(redis_client, "app.send", "ValueError")
    age(redis_client, jobs_key("mail", "app.send"), "exceptions:written:Old:Error\n")
    removed = pruned(redis_client)
    assert removed == [Pruned("mail", "app.send", "exceptions:Old:Error\n")]
    assert failures(redis_client, "mail") == {("app.send", "ValueError"): 1}
    assert ends(redis_client, "mail") == {("app.send", "failed"): 2}


def test_an_exception_with_the_name_of_an_outcome_is_not_removed_with_it(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    record(redis_client, "app.send", "success")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    pruned(redis_client)
    assert failures(redis_client, "mail") == {("app.send", "success"): 1}


def test_an_unused_queue_leaves_nothing_behind(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    age(redis_client, waits_key("mail"), "written")
    removed = pruned(redis_client)
    assert removed == [Pruned("mail", "app.send", "success"), Pruned("mail", "", "waits")]
    assert set(stored(redis_client)) == {OPERATOR_CHANGES_KEY.encode()}


def test_a_removed_series_counts_from_one_when_it_comes_back(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    age(redis_client, waits_key("mail"), "written")
    pruned(redis_client)
    record(redis_client, "app.send")
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}
    assert waits(redis_client, "mail").count == 1
    assert functions(redis_client, "mail") == {"app.send"}
    assert redis_client.smembers(MONITORED_QUEUES_KEY) == {b"mail"}


def test_series_written_recently_stay(redis_client: Redis) -> None:
    record(redis_client, "app.send", "ValueError")
    before = stored(redis_client)
    assert pruned(redis_client) == []
    assert stored(redis_client) == before


def run(project_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rq_mon.cli", *arguments]
    return subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_the_command_prints_what_it_removed(redis_client: Redis, project_root: Path) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    result = run(project_root, "prune", "--yes")
    assert result.stdout.splitlines() == [
        "removed mail app.send success",
        "removed 1 series that were not written for 30 days",
    ]
    assert result.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("days", ["0", "-1", "soon", "1.5"])
def test_the_command_refuses_an_invalid_number_of_days(
    redis_client: Redis, project_root: Path, days: str
) -> None:
    result = run(project_root, "prune", f"--days={days}")

    assert f"Invalid value for '--days': {days}" in result.stderr.replace("'" + days + "'", days)
    assert result.returncode == 2


FUNCTIONS_KEY = functions_key("mail")
FUNCTION_KEY = jobs_key("mail", "app.send")
WAITS_KEY = waits_key("mail")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "key", "problem"),
    [
        (("SET", MONITORED_QUEUES_KEY, "x"), MONITORED_QUEUES_KEY, "WRONGTYPE"),
        (("SET", FUNCTIONS_KEY, "x"), FUNCTIONS_KEY, "WRONGTYPE"),
        (("SET", FUNCTION_KEY, "x"), FUNCTION_KEY, "WRONGTYPE"),
        (("SET", WAITS_KEY, "x"), WAITS_KEY, "WRONGTYPE"),
        (("HSET", FUNCTION_KEY, "success:written", "x"), FUNCTION_KEY, "success:written is not a number"),
        (("HSET", WAITS_KEY, "written", "x"), WAITS_KEY, "written is not a number"),
        (("SADD", MONITORED_QUEUES_KEY, b"\xff"), MONITORED_QUEUES_KEY, "expected names in UTF-8"),
        (("SADD", FUNCTIONS_KEY, b"\xff"), FUNCTIONS_KEY, "expected names in UTF-8"),
    ],
)
def test_the_command_reports_unreadable_keys_and_goes_on(
    redis_client: Redis, project_root: Path, broken: tuple[str | bytes, ...], key: str, problem: str
) -> None:
    record(redis_client, "app.send")
    record(redis_client, "app.read", queue="news")
    age(redis_client, jobs_key("news", "app.read"), "success:written")
    queues_can_be_read = broken[:2] != ("SET", MONITORED_QUEUES_KEY)
    redis_client.execute_command(*broken)  # type: ignore[no-untyped-call]

    result = run(project_root, "prune", "--yes")

    left = [line for line in result.stderr.splitlines() if line.startswith("left")]
    assert len(left) == 1
    assert left[0].startswith(f"left unchanged: {key!r}: {problem}")
    assert ("removed news app.read success" in result.stdout) == queues_can_be_read
    assert result.returncode == 1


def test_an_exception_that_is_not_utf_8_is_removed_like_others(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    redis_client.hset(FUNCTION_KEY, b"exceptions:written:\xff", str(LONG_AGO))  # type: ignore[arg-type]
    assert pruned(redis_client) == [Pruned("mail", "app.send", r"exceptions:\xff")]

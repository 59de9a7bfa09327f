"""Series that nobody writes any more can be removed; those that somebody writes stay whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from scheduler.catalogue import MONITORED_QUEUES_KEY, Outcome
from scheduler.job_metrics import DAY, Pruned, prune
from scheduler.job_recorder import End, JobRecorder, Start
from scheduler.job_series import jobs_key, waits_key
from tests.job_metrics.counters import ends, failures, functions, series, waits

RECORDER = JobRecorder(max_functions=200, max_exceptions=50)
LONG_AGO = int(time.time()) - 31 * DAY


def record(redis: Redis, function: str, exception: str = "") -> None:
    outcome: Outcome = "failed" if exception else "success"
    RECORDER.record_start(redis, Start("execution", "mail", "", waited=1.0))
    RECORDER.record_end(redis, End("execution", "job", "mail", function, outcome, exception, 2.0))


def stored(redis: Redis) -> dict[bytes, object]:
    return {key: redis.dump(key) for key in redis.scan_iter("rq:monitor:*") if b":counted:" not in key}


def age(redis: Redis, key: str, *fields: str) -> None:
    for field in fields:
        assert redis.hexists(key, field)
        redis.hset(key, field, str(LONG_AGO))


def test_an_outcome_that_nobody_writes_is_removed_with_all_of_its_fields(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    record(redis_client, "app.send", "ValueError")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    removed = list(prune(redis_client, 30 * DAY))
    left = series(redis_client, "mail", "app.send")
    assert removed == [Pruned("mail", "app.send", "success")]
    assert list(left.outcomes) == ["failed"]
    assert left.outcomes["failed"].count == 1
    assert list(left.exceptions) == ["ValueError"]


def test_an_exception_that_nobody_raises_makes_room_for_others(redis_client: Redis) -> None:
    record(redis_client, "app.send", "Old:Error\n")
    record(redis_client, "app.send", "ValueError")
    age(redis_client, jobs_key("mail", "app.send"), "exceptions:written:Old:Error\n")
    removed = list(prune(redis_client, 30 * DAY))
    assert removed == [Pruned("mail", "app.send", "exceptions:Old:Error\n")]
    assert failures(redis_client, "mail") == {("app.send", "ValueError"): 1}
    assert ends(redis_client, "mail") == {("app.send", "failed"): 2}


def test_an_exception_named_like_an_outcome_is_not_taken_for_it(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    record(redis_client, "app.send", "success")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    list(prune(redis_client, 30 * DAY))
    assert failures(redis_client, "mail") == {("app.send", "success"): 1}


def test_a_queue_that_nobody_uses_leaves_nothing_behind(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    age(redis_client, waits_key("mail"), "written")
    removed = list(prune(redis_client, 30 * DAY))
    assert removed == [Pruned("mail", "app.send", "success"), Pruned("mail", "", "waits")]
    assert stored(redis_client) == {}


def test_what_was_removed_counts_from_one_when_it_comes_back(redis_client: Redis) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    age(redis_client, waits_key("mail"), "written")
    list(prune(redis_client, 30 * DAY))
    record(redis_client, "app.send")
    assert ends(redis_client, "mail") == {("app.send", "success"): 1}
    assert waits(redis_client, "mail").count == 1
    assert functions(redis_client, "mail") == {"app.send"}
    assert redis_client.smembers(MONITORED_QUEUES_KEY) == {b"mail"}


def test_what_is_younger_stays(redis_client: Redis) -> None:
    record(redis_client, "app.send", "ValueError")
    before = stored(redis_client)
    assert list(prune(redis_client, 30 * DAY)) == []
    assert stored(redis_client) == before


def run(project_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scheduler.job_metrics", *arguments]
    return subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=30)


def test_the_command_prints_what_it_removed(redis_client: Redis, project_root: Path) -> None:
    record(redis_client, "app.send")
    age(redis_client, jobs_key("mail", "app.send"), "success:written")
    result = run(project_root, "prune")
    assert result.stdout.splitlines() == [
        "removed 'mail' 'app.send' 'success'",
        "1 series removed that were not written for 30 days",
    ]
    assert result.returncode == 0


@pytest.mark.parametrize("days", ["0", "-1", "soon", "1.5"])
def test_the_command_says_what_number_of_days_it_expects(
    redis_client: Redis, project_root: Path, days: str
) -> None:
    result = run(project_root, "prune", f"--days={days}")
    assert f"expected a whole number of days of at least 1, got '{days}'" in result.stderr
    assert result.returncode == 2


def test_the_command_says_that_a_key_is_not_what_it_should_be(
    redis_client: Redis, project_root: Path
) -> None:
    redis_client.set(MONITORED_QUEUES_KEY, "not a set")
    result = run(project_root, "prune")
    assert "stopped after 0 series: WRONGTYPE" in result.stderr
    assert result.returncode == 1

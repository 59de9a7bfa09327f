"""`rqmon failed`: which jobs fail, why, how often and since when."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.failed_jobs import fail_jobs
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon

OF_A_MISSING_MODULE: Any = b"\x80\x04cno_such_package\nSecret\n."
IN_JSON: Any = b'["app.send \\u00e9", null, [1], {}]'
HOSTILE_IN_JSON: Any = b'["\\u001b[2Jf\\n[/]\\udc80", null, [], {}]'
FAIL, FAIL_OTHERWISE = "proofs.harness.failed_jobs.fail", "tests.rq_mon.cli.jobs.fail_otherwise"


def set_time_of_failure(client: Any, job_id: str, seconds_ago: int) -> None:
    """Change the time of the job's result."""
    key = f"rq:results:{job_id}"
    ((_, result),) = client.xrange(key)
    client.delete(key)
    client.xadd(key, result, id=f"{int((time.time() - seconds_ago) * 1000)}-0")


def test_groups_jobs_by_queue_function_and_exception(rqmon: Rqmon, redis_client: Redis) -> None:
    fail_jobs(redis_client, FAIL, jobs=3)
    fail_jobs(redis_client, FAIL, queue="reports")
    fail_jobs(redis_client, FAIL_OTHERWISE, jobs=2)

    result = rqmon("failed", "--json")

    groups = {(each["queue"], each["function"], each["exception"]): each["jobs"] for each in result.json}
    assert result.code == 0
    assert groups == {
        ("mail", FAIL, "ValueError"): 3,
        ("reports", FAIL, "ValueError"): 1,
        ("mail", FAIL_OTHERWISE, "KeyError"): 2,
    }


def test_a_group_shows_its_first_and_last_failure_and_its_newest_job(
    rqmon: Rqmon, redis_client: Redis
) -> None:
    old, new = fail_jobs(redis_client, jobs=2)
    set_time_of_failure(redis_client, old, 7200)

    (group,) = rqmon("failed", "--json").json

    first, last = (datetime.fromisoformat(group[at]).timestamp() for at in ("first_at", "last_at"))
    assert first == pytest.approx(time.time() - 7200, abs=60)
    assert last == pytest.approx(time.time(), abs=60)
    assert group["example"] == new
    assert group["last_line"] == "ValueError: no such order"


def test_the_table_shows_the_same_as_json(rqmon: Rqmon, redis_client: Redis) -> None:
    (job_id,) = fail_jobs(redis_client)

    out = rqmon("failed").out

    assert "1 failed job\n" in out
    (row,) = [line for line in out.splitlines() if job_id in line]
    assert row.split()[:4] == ["1", "mail", FAIL, "ValueError"]
    assert "ValueError: no such order" in row
    assert "Traceback" not in out


def test_the_latest_group_is_the_first_and_the_limit_leaves_out_the_last(
    rqmon: Rqmon, redis_client: Redis
) -> None:
    (old,) = fail_jobs(redis_client, FAIL)
    set_time_of_failure(redis_client, old, 7200)
    fail_jobs(redis_client, FAIL_OTHERWISE)

    assert [group["function"] for group in rqmon("failed", "--json").json] == [FAIL_OTHERWISE, FAIL]
    assert [group["function"] for group in rqmon("failed", "--limit", "1", "--json").json] == [FAIL_OTHERWISE]
    assert "1 group more: raise --limit" in rqmon("failed", "--limit", "1").out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--queue", "mail"], {"old", "new"}),
        (["--queue", "reports"], {"other"}),
        (["--function", "fail"], {"old", "new"}),
        (["--function", FAIL], {"old", "new"}),
        (["--function", "no_such"], set()),
        (["--exception", "KeyError"], {"other"}),
        (["--since", "1h"], {"new", "other"}),
        (["--older-than", "1h"], {"old"}),
        (["--older-than", "1h", "--exception", "KeyError"], set()),
    ],
)
def test_options_select_jobs(
    rqmon: Rqmon, redis_client: Redis, options: list[str], expected: set[str]
) -> None:
    old, new = fail_jobs(redis_client, FAIL, jobs=2)
    (other,) = fail_jobs(redis_client, FAIL_OTHERWISE, queue="reports")
    set_time_of_failure(redis_client, old, 7200)
    names = {"old": old, "new": new, "other": other}

    chosen = {name for name, job_id in names.items() if rqmon("failed", job_id, *options).code == 0}

    assert chosen == expected
    assert rqmon("failed", *options).code == (0 if expected else 1)


def test_shows_tracebacks_on_request(rqmon: Rqmon, redis_client: Redis) -> None:
    (job_id,) = fail_jobs(redis_client)

    out = rqmon("failed", "--traceback").out

    assert f"traceback of {job_id}" in out
    assert "Traceback (most recent call last):\n" in out
    assert 'raise ValueError("no such order")\n' in out


def test_exits_with_1_without_failed_jobs(rqmon: Rqmon) -> None:
    result = rqmon("failed")

    assert result.code == 1
    assert result.out == "0 failed jobs\n  none\n"


# ---- unusual data in Redis ----


def test_arguments_are_shown_only_on_request(rqmon: Rqmon, queue: Queue, work: Callable[..., None]) -> None:
    queue.enqueue(jobs.fail_otherwise, "hunter2", key="s3cret")
    work()

    for arguments in (
        ["failed"],
        ["failed", "--json"],
        ["failed", "--traceback"],
        ["requeue", "--all", "--dry-run"],
    ):
        out = rqmon(*arguments).out
        assert "hunter2" not in out
        assert "s3cret" not in out
    assert "'hunter2', key='s3cret'" in rqmon("failed", "--arguments").out


def test_jobs_whose_code_cannot_be_imported_are_shown_like_others(rqmon: Rqmon, redis_client: Redis) -> None:
    fail_jobs(redis_client, "no_such_package.tasks.send")

    (group,) = rqmon("failed", "--json").json

    assert group["function"] == "no_such_package.tasks.send"


def test_unreadable_arguments_are_marked_as_such(rqmon: Rqmon, redis_client: Redis) -> None:
    (job_id,) = fail_jobs(redis_client)
    redis_client.hset(f"rq:job:{job_id}", "data", OF_A_MISSING_MODULE)

    assert "cannot be shown" in rqmon("failed", "--arguments").out


def test_json_jobs_are_read_too(rqmon: Rqmon, redis_client: Redis) -> None:
    (job_id,) = fail_jobs(redis_client)
    redis_client.hset(f"rq:job:{job_id}", "data", IN_JSON)

    (group,) = rqmon("failed", "--json").json

    assert group["function"] == "app.send é"


def test_a_job_that_has_expired_is_unknown(rqmon: Rqmon, redis_client: Redis) -> None:
    (job_id,) = fail_jobs(redis_client)
    redis_client.delete(f"rq:job:{job_id}", f"rq:results:{job_id}")

    (group,) = rqmon("failed", "--json").json

    assert (group["function"], group["exception"], group["last_at"]) == ("unknown", "unknown", None)


def test_jobs_behind_foreign_keys_are_shown_as_unknown(rqmon: Rqmon, redis_client: Redis) -> None:
    first, second = fail_jobs(redis_client, jobs=2)
    redis_client.delete(f"rq:job:{first}", f"rq:results:{second}")
    redis_client.set(f"rq:job:{first}", "text")
    redis_client.set(f"rq:results:{second}", "text")
    redis_client.sadd("rq:queues", "foreign", b"rq:queue:\xff")
    redis_client.zadd("rq:failed:mail", {b"\xff\x1b": time.time() + 60})

    result = rqmon("failed", "--json")

    assert result.code == 0
    assert sum(group["jobs"] for group in result.json) == 3


@pytest.mark.parametrize("options", [[], ["--traceback"], ["--arguments"]])
def test_hostile_names_and_texts_are_shown_harmlessly(
    rqmon: Rqmon, redis_client: Redis, options: list[str]
) -> None:
    fail_jobs(
        redis_client, "tests.rq_mon.cli.jobs.fail_hostile", queue="evil\x1b]0;title\x07\n[red]queue[/red]"
    )
    (job_id,) = fail_jobs(redis_client)
    redis_client.hset(f"rq:job:{job_id}", "data", HOSTILE_IN_JSON)

    for command in (["failed", *options], ["status"], ["health"], ["requeue", "--all", "--dry-run"]):
        result = rqmon(*command)
        printed = result.out + result.err
        assert all(line.isprintable() for line in printed.splitlines()), command
    out = rqmon("failed").out
    assert r"RuntimeError: \x1b[31mred\x1b[0m [bold red]markup[/] \u202egnirts" in out
    assert r"evil\x1b]0;title\x07\n[red]queue[/red]" in out

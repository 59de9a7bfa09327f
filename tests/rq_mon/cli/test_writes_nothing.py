"""What only looks, or only says what it would do, leaves every key as it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.failed_jobs import fail_jobs
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon

DRY_RUNS = [
    *(
        ("purge", "mail", state)
        for state in ("queued", "failed", "scheduled", "finished", "deferred", "canceled")
    ),
    ("empty", "mail"),
    ("requeue", "--all"),
    ("delete", "--all"),
    ("requeue", "--exception", "ValueError", "--json"),
]
LOOKS = [
    ("status",),
    ("failed",),
    ("failed", "--traceback", "--arguments", "--json"),
    ("health", "--max-failed", "1"),
    ("cron", "list"),
]


@pytest.fixture
def a_bit_of_everything(redis_client: Redis, queue: Queue, work: Callable[..., None]) -> None:
    """In each state two jobs and more, of which one has expired where RQ lets jobs expire."""
    for registry, ids in (("failed", fail_jobs(redis_client, jobs=3)), ("finished", _finish(queue, work))):
        redis_client.zadd(f"rq:{registry}:mail", {ids[0]: time.time() - 10, ids[1]: -1})
    first = queue.enqueue(jobs.succeed)
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=first)
        queue.enqueue(jobs.succeed).cancel()
        queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    redis_client.zadd("rq:wip:mail", {"gone:1": time.time() - 100})


def _finish(queue: Queue, work: Callable[..., None]) -> list[str]:
    ids = [queue.enqueue(jobs.succeed).id for _ in range(3)]
    work()
    return ids


def dumps(client: Any) -> dict[bytes, tuple[bytes, bool]]:
    return {key: (client.dump(key), client.ttl(key) >= 0) for key in client.scan_iter()}


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize("command", [*((*command, "--dry-run") for command in DRY_RUNS), *LOOKS])
def test_no_key_is_written(rqmon: Rqmon, redis_client: Redis, command: tuple[str, ...]) -> None:
    before = dumps(redis_client)

    result = rqmon(*command)

    assert result.code in (0, 1)
    assert dumps(redis_client) == before


@pytest.mark.usefixtures("a_bit_of_everything")
def test_failed_jobs_that_have_expired_are_not_shown(rqmon: Rqmon) -> None:
    (group,) = rqmon("failed", "--json").json
    assert group["jobs"] == 2


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize(
    ("state", "jobs_left"), [("failed", 2), ("finished", 2), ("canceled", 2), ("deferred", 2)]
)
def test_purging_takes_as_many_as_it_says_before_and_leaves_no_expired_id(
    rqmon: Rqmon, redis_client: Redis, state: str, jobs_left: int
) -> None:
    assert rqmon("purge", "mail", state, "--dry-run", "--json").json["jobs"] == jobs_left
    assert rqmon("purge", "mail", state, "--yes", "--json").json["deleted"] == jobs_left
    assert not redis_client.exists(f"rq:{state}:mail")

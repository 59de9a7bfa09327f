"""Jobs that a rate limit of RQ 3 holds back; RQ 2 does not know them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
import rq
from redis import Redis
from rq import Queue

from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import read_together
from rq_mon.state.queues import read_jobs_of_queue
from rq_mon.state.rate_limits import IDS_IN_ALL, IDS_PER_LIMIT
from tests.rq_mon.state import jobs
from tests.rq_mon.state.conftest import ReadQueues

needs_rq_3 = pytest.mark.skipif(not hasattr(rq, "RateLimit"), reason="RQ 2 has no rate limits")


def _hold_back(client: Redis, limit: str, queues: Sequence[str], status: str = "rate_limited") -> None:
    """Write what RQ 3 writes when it holds back one job for each queue."""
    with client.pipeline(transaction=False) as pipe:
        pipe.sadd("rq:rl-keys", limit)
        for number, queue in enumerate(queues):
            job_id = f"{limit}-{status}-{number}"
            pipe.sadd("rq:queues", f"rq:queue:{queue}")
            pipe.hset(f"rq:job:{job_id}", mapping={"origin": queue, "status": status})
            pipe.zadd(f"rq:rl:{limit}:rate_limited", {job_id: number})
        pipe.execute()


def _held_back(read: ReadQueues) -> dict[str, int | None]:
    return {name: queue.jobs["rate_limited"] for name, queue in read().items()}


@needs_rq_3
def test_jobs_limited_by_rq_itself_are_counted(read: ReadQueues, queue: Queue, redis_client: Redis) -> None:
    other, limit = Queue("other", connection=redis_client), rq.RateLimit("api", 2)  # type: ignore[attr-defined]
    for _ in range(5):
        queue.enqueue(jobs.succeed, rate_limit=limit)
    other.enqueue(jobs.succeed, rate_limit=limit)
    other.enqueue(jobs.succeed)

    assert _held_back(read) == {"mail": 3, "other": 1}
    assert read()["mail"].jobs["queued"] == 2


def test_a_rate_limited_job_counts_for_its_own_queue(read: ReadQueues, redis_client: Redis) -> None:
    _hold_back(redis_client, "api", ["mail", "mail", "reports"])
    _hold_back(redis_client, "other:api", ["mail", "mail"])
    redis_client.sadd("rq:queues", "rq:queue:idle")

    assert _held_back(read) == {"mail": 4, "reports": 1, "idle": 0}


def test_reading_one_queue_counts_only_its_rate_limited_jobs(redis_client: Redis, errors: Errors) -> None:
    _hold_back(redis_client, "api", ["mail", "mail", "reports"])

    def held_back(queue: bytes) -> object:
        reading: Any = {"queues": read_jobs_of_queue(queue, time.time())}
        return read_together(redis_client, reading, errors, time.monotonic() + 60)["queues"]["rate_limited"]

    assert [held_back(queue) for queue in (b"mail", b"reports", b"idle")] == [2, 1, 0]


def test_jobs_that_are_deleted_or_in_another_state_do_not_count(
    read: ReadQueues, redis_client: Redis, errors: Errors
) -> None:
    """RQ drops their ids when it comes to them."""
    _hold_back(redis_client, "api", ["mail", "mail", "mail"])
    redis_client.delete("rq:job:api-rate_limited-0")
    _hold_back(redis_client, "api", ["mail"], status="canceled")

    assert _held_back(read) == {"mail": 2}
    assert errors.counts()["queues"] == 0


def test_a_queue_that_rq_does_not_list_is_shown(read: ReadQueues, redis_client: Redis) -> None:
    _hold_back(redis_client, "api", ["mail", "mail"])
    redis_client.delete("rq:queues")

    assert _held_back(read) == {"mail": 2}
    assert read()["mail"].jobs["queued"] == 0


def test_a_long_set_is_counted_whole_and_divided_in_proportion_to_its_oldest_jobs(
    read: ReadQueues, redis_client: Redis
) -> None:
    _hold_back(redis_client, "api", ["mail", "mail", "mail", "reports"] * IDS_PER_LIMIT)

    assert _held_back(read) == {"mail": 3 * IDS_PER_LIMIT, "reports": IDS_PER_LIMIT}


def test_the_number_of_examined_rate_limited_jobs_is_limited(read: ReadQueues, redis_client: Redis) -> None:
    number = 2 * IDS_IN_ALL // IDS_PER_LIMIT
    for limit in range(number):
        _hold_back(redis_client, str(limit), ["mail"] * IDS_PER_LIMIT)
    redis_client.config_resetstat()

    assert _held_back(read) == {"mail": number * IDS_PER_LIMIT}
    assert redis_client.info("commandstats")["cmdstat_hmget"]["calls"] == IDS_IN_ALL  # type: ignore[index]


def test_broken_keys_do_not_hide_other_jobs(read: ReadQueues, redis_client: Redis, errors: Errors) -> None:
    _hold_back(redis_client, "api", ["mail", "mail"])
    redis_client.set("rq:rl:broken:rate_limited", "a string")
    redis_client.sadd("rq:rl-keys", "broken")
    redis_client.delete("rq:job:api-rate_limited-0")
    redis_client.set("rq:job:api-rate_limited-0", "a string")

    assert _held_back(read) == {"mail": 1}
    assert errors.counts()["queues"] == 2

    redis_client.delete("rq:rl-keys")
    redis_client.set("rq:rl-keys", "a string")
    assert _held_back(read) == {"mail": None}

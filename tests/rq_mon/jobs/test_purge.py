"""Deleting the jobs of a queue by state, with everything that depends on them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest
import rq
from redis import Redis
from rq import Queue
from rq.utils import utcparse

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.jobs.failed import delete
from rq_mon.jobs.purge import JOBS_PER_BATCH, RESTING_STATES, count_jobs, purge_in_batches, purge_jobs
from rq_mon.state.failed_jobs import pages_of_queue
from tests.rq_mon.state import jobs

needs_rq_3 = pytest.mark.skipif(not hasattr(rq, "RateLimit"), reason="RQ 2 has no rate limits")


@pytest.fixture
def queue(redis_client: Redis) -> Queue:
    return Queue("mail", connection=redis_client)


def _api_of_two() -> Any:
    return rq.RateLimit("api", 2)  # type: ignore[attr-defined]


def _limit(client: Redis, concurrency: int, queued: int, held_back: int) -> list[str]:
    """Write RQ 3's data of a rate limit with jobs of `mail`; return the ids of those held back."""
    names = [f"{'queued' if number < queued else 'held'}-{number}" for number in range(queued + held_back)]
    client.sadd("rq:queues", "rq:queue:mail")
    client.sadd("rq:rl-keys", "api:v1")
    client.hset("rq:rl:api:v1", "concurrency", str(concurrency))
    for number, name in enumerate(names):
        is_held = number >= queued
        status = "rate_limited" if is_held else "queued"
        client.hset(
            f"rq:job:{name}", mapping={"origin": "mail", "status": status, "rate_limit_key": "api:v1"}
        )
        client.zadd(f"rq:rl:api:v1:{'rate_limited' if is_held else 'allowed'}", {name: number})
        if not is_held:
            client.rpush("rq:queue:mail", name)
    return names[queued:]


def _stored(client: Redis, job_id: str, *fields: str) -> list[bytes]:
    return client.hmget(f"rq:job:{job_id}", [*fields])  # type: ignore[return-value]


def _ids(client: Redis, key: str) -> list[str]:
    return [job_id.decode() for job_id in client.zrange(key, 0, -1)]  # type: ignore[union-attr]


def test_emptying_a_queue_releases_rate_limited_jobs(queue: Queue, redis_client: Redis) -> None:
    held = _limit(redis_client, concurrency=2, queued=2, held_back=3)

    assert purge_jobs(queue, "queued") == 2

    assert queue.job_ids == _ids(redis_client, "rq:rl:api:v1:allowed") == held[:2]
    assert _ids(redis_client, "rq:rl:api:v1:rate_limited") == held[2:]
    status, enqueued_at = _stored(redis_client, held[0], "status", "enqueued_at")
    assert status == b"queued"
    assert utcparse(enqueued_at.decode())


def test_released_jobs_go_to_the_front_if_requested_and_deleted_ones_are_skipped(
    queue: Queue, redis_client: Redis
) -> None:
    gone, urgent, _ = held = _limit(redis_client, concurrency=3, queued=3, held_back=3)
    redis_client.delete(f"rq:job:{gone}")
    redis_client.hset(f"rq:job:{urgent}", "enqueue_at_front", "1")
    waits = "waits"
    redis_client.hset(f"rq:job:{waits}", mapping={"origin": "mail", "status": "queued"})
    redis_client.rpush(queue.key, waits)

    assert sum(purge_in_batches(queue, "queued", at_most=3)) == 3

    assert queue.job_ids == [urgent, waits, held[2]]
    assert _ids(redis_client, "rq:rl:api:v1:rate_limited") == []


def test_a_running_job_keeps_its_rate_limit_slot_if_it_is_purged(queue: Queue, redis_client: Redis) -> None:
    held = _limit(redis_client, concurrency=2, queued=2, held_back=2)
    running = queue.job_ids[0]
    redis_client.zadd(f"rq:executions:{running}", {"execution": time.time() + 60})

    purge_jobs(queue, "queued")

    assert queue.job_ids == held[:1]
    assert sorted(_ids(redis_client, "rq:rl:api:v1:allowed")) == sorted([running, held[0]])
    assert redis_client.exists(f"rq:executions:{running}")


def test_an_interrupted_purge_still_releases_rate_limited_jobs(queue: Queue, redis_client: Redis) -> None:
    held = _limit(redis_client, concurrency=2 * JOBS_PER_BATCH, queued=2 * JOBS_PER_BATCH, held_back=1)
    batches = purge_in_batches(queue, "queued")
    next(batches)
    batches.close()  # type: ignore[attr-defined]

    assert queue.job_ids[-1:] == held
    assert queue.count == JOBS_PER_BATCH + 1


@needs_rq_3
def test_jobs_limited_by_rq_itself_are_released_and_run(queue: Queue) -> None:
    enqueued = [queue.enqueue(jobs.succeed, rate_limit=_api_of_two()) for _ in range(5)]

    purge_jobs(queue, "queued")

    # RQ counts whole seconds: of jobs enqueued in the same second, any may be next.
    assert sorted(job.get_status() for job in enqueued[2:]) == ["queued", "queued", "rate_limited"]
    assert queue.count == 2
    rq.SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")
    assert {job.get_status() for job in enqueued[2:]} == {"finished"}


def _hold_back_for(client: Redis, queue: str, limit: str, *names: str) -> None:
    client.sadd("rq:rl-keys", limit)
    for number, name in enumerate(names):
        fields = {"origin": queue, "status": "rate_limited", "rate_limit_key": limit}
        client.hset(f"rq:job:{name}", mapping=fields)
        client.zadd(f"rq:rl:{limit}:rate_limited", {name: number})


def test_rate_limited_jobs_of_one_queue_are_purged_from_all_limits(queue: Queue, redis_client: Redis) -> None:
    held = _limit(redis_client, concurrency=2, queued=2, held_back=3)
    _hold_back_for(redis_client, "mail", "other", "mail-1", "mail-2")
    _hold_back_for(redis_client, "reports", "other", "reports-1")
    redis_client.hset(f"rq:job:{held[0]}", "status", "queued")  # RQ has just released it
    redis_client.delete(f"rq:job:{held[1]}")
    redis_client.sadd("rq:rl-keys", "broken")
    redis_client.set("rq:rl:broken:rate_limited", "a string")

    assert count_jobs(queue, "rate_limited") == 3
    assert purge_jobs(queue, "rate_limited") == 3

    assert _ids(redis_client, "rq:rl:other:rate_limited") == ["reports-1"]
    assert _ids(redis_client, "rq:rl:api:v1:rate_limited") == held[:2]
    assert not redis_client.exists(f"rq:job:{held[2]}", "rq:job:mail-1", "rq:job:mail-2")
    assert queue.count == 2


def test_no_more_rate_limited_jobs_are_purged_than_were_counted(queue: Queue, redis_client: Redis) -> None:
    held = [f"held-{number:03}" for number in range(2 * JOBS_PER_BATCH + 50)]
    _hold_back_for(redis_client, "mail", "api", *held)
    _hold_back_for(redis_client, "mail", "other", "later")
    wanted = JOBS_PER_BATCH + 3

    assert sum(purge_in_batches(queue, "rate_limited", at_most=wanted)) == wanted

    assert count_jobs(queue, "rate_limited") == len(held) + 1 - wanted


@needs_rq_3
def test_jobs_limited_by_rq_itself_are_purged_and_the_others_run(queue: Queue) -> None:
    enqueued = [queue.enqueue(jobs.succeed, rate_limit=_api_of_two()) for _ in range(5)]

    assert purge_jobs(queue, "rate_limited") == 3

    rq.SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")
    left = [job for job in enqueued if queue.connection.exists(job.key)]
    assert [job.get_status() for job in left] == ["finished", "finished"]
    assert queue.enqueue(jobs.succeed, rate_limit=_api_of_two()).get_status() == "queued"


def test_deleting_a_failed_job_releases_its_rate_limit_slot(queue: Queue, redis_client: Redis) -> None:
    """Its worker may have died before it released the slot."""
    held = _limit(redis_client, concurrency=1, queued=0, held_back=2)
    (failed,) = fail_jobs(redis_client)
    redis_client.hset(f"rq:job:{failed}", "rate_limit_key", "api:v1")
    redis_client.zadd("rq:rl:api:v1:allowed", {failed: 1})

    seen = [job for page in pages_of_queue(redis_client, "mail", time.time()) for job in page]
    assert delete(redis_client, "mail", seen) == {"done": 1}

    assert queue.job_ids == _ids(redis_client, "rq:rl:api:v1:allowed") == held[:1]


def test_a_purge_works_despite_a_foreign_key(queue: Queue, redis_client: Redis) -> None:
    names = [queue.enqueue(jobs.succeed).id for _ in range(3)]
    redis_client.delete(f"rq:job:{names[1]}")
    redis_client.set(f"rq:job:{names[1]}", "a string")

    assert purge_jobs(queue, "queued") == 3
    assert not redis_client.keys("rq:job:*")


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_expired_jobs_are_neither_counted_nor_deleted_instead_of_others(
    queue: Queue, redis_client: Redis, state: str
) -> None:
    key, later = f"rq:{state}:mail", time.time() + 60
    redis_client.zadd(key, {"expired-1": 1, "expired-2": 2, "expired-3": 3, "kept-1": later, "kept-2": later})

    assert count_jobs(queue, state) == 2  # type: ignore[arg-type]
    assert sum(purge_in_batches(queue, state, at_most=2)) == 2  # type: ignore[arg-type]
    assert redis_client.zcard(key) == 0


def _dumps(client: Redis, keys: Iterable[bytes]) -> dict[bytes, object]:
    return {key: client.dump(key) for key in keys}


def test_counting_writes_nothing(queue: Queue, redis_client: Redis) -> None:
    """Unlike RQ, which removes expired jobs when it counts."""
    _limit(redis_client, concurrency=2, queued=2, held_back=1)
    for state in ("finished", "failed", "canceled", "deferred", "scheduled"):
        redis_client.zadd(f"rq:{state}:mail", {"expired": 1, "later": time.time() + 60})
    before = _dumps(redis_client, redis_client.scan_iter())

    counts = {state: count_jobs(queue, state) for state in RESTING_STATES}

    assert counts == {
        "queued": 2, "failed": 1, "finished": 1, "scheduled": 2, "deferred": 2, "canceled": 2,
        "rate_limited": 1,
    }  # fmt: skip
    assert _dumps(redis_client, redis_client.scan_iter()) == before

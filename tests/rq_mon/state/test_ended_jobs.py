"""Jobs that ended between two looks are each reported once."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from redis import Redis

from rq_mon.state.ended_jobs import MOST_CLOCK_DIFFERENCE, EndedJobs

RAW_ID = b"order-\xff"


def finish(client: Redis, raw_id: bytes, seconds_ago: float) -> None:
    """Write what RQ keeps of a finished job."""
    ended_at = datetime.fromtimestamp(time.time() - seconds_ago, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    client.hset(b"rq:job:" + raw_id, mapping={"status": "finished", "ended_at": ended_at})  # type: ignore[arg-type]
    client.zadd("rq:finished:mail", {raw_id: time.time() + 500})


def test_a_job_that_ended_before_the_first_look_is_not_reported_even_if_listed_later(
    redis_client: Redis,
) -> None:
    """The clocks of workers and Redis may differ by a minute."""
    ended = EndedJobs(redis_client, ["mail"])
    finish(redis_client, b"listed-before", 1)
    assert ended.look() == []

    finish(redis_client, b"long-ago", 10 * MOST_CLOCK_DIFFERENCE)
    finish(redis_client, b"second", 10)
    finish(redis_client, b"first", 20)

    assert [job.id for job in ended.look()] == ["first", "second"]
    assert ended.look() == []


def test_a_job_without_an_end_time_ended_when_its_failure_was_stored(redis_client: Redis) -> None:
    """RQ records no end of a job that was stopped, or lost its worker."""
    ended = EndedJobs(redis_client, ["mail"])
    ended.look()
    failed_at = round(time.time(), 3)
    redis_client.hset("rq:job:lost", "status", "failed")
    redis_client.xadd("rq:results:lost", {"type": "2"}, id=f"{failed_at * 1000:.0f}-7")
    redis_client.zadd("rq:failed:mail", {"lost": time.time() + 500})

    (job,) = ended.look()

    assert (job.status, job.ended_at) == ("failed", failed_at)


def test_an_ended_job_that_is_in_no_registry_is_reported(redis_client: Redis) -> None:
    """As RQ does with failures that are not to be kept, until their hash expires."""
    redis_client.zadd("rq:wip:mail", {"first:0123": 100, "second:0123": 200, "third:0123": 300})
    ended = EndedJobs(redis_client, ["mail"])
    ended.look()
    for raw_id in (b"first", b"third"):
        finish(redis_client, raw_id, 1)
        redis_client.zrem("rq:wip:mail", raw_id + b":0123")
    redis_client.delete("rq:finished:mail")

    assert {job.id for job in ended.look()} == {"first", "third"}


def test_an_ended_job_whose_id_is_not_utf_8_is_reported(redis_client: Redis) -> None:
    ended = EndedJobs(redis_client, ["mail"])
    ended.look()
    finish(redis_client, RAW_ID, 1)

    (job,) = ended.look()

    assert job.id.encode(errors="surrogateescape") == RAW_ID

"""Failed jobs are requeued and deleted, even if the name of their queue is not UTF-8."""

from __future__ import annotations

from redis import Redis

from rq_mon.jobs.failed import delete, requeue
from rq_mon.state.failed_jobs import count_failed, pages_of_queue, queues_of

NAME, RAW_NAME = "m\udcff", b"m\xff"
"""A queue whose name is not UTF-8: as shown, and as stored."""


def test_failed_jobs_of_a_queue_whose_name_is_not_utf_8_are_changed(redis_client: Redis) -> None:
    for number in (1, 2, 3):
        redis_client.hset(f"rq:job:{number}", mapping={"status": "failed", "origin": RAW_NAME})
        redis_client.zadd(b"rq:failed:" + RAW_NAME, {str(number): 1e10 + number})
    ((*requeued, deleted),) = pages_of_queue(redis_client, NAME, now=1e9)

    assert requeue(redis_client, NAME, requeued) == {"done": 2}
    assert delete(redis_client, NAME, [deleted]) == {"done": 1}

    assert redis_client.lrange(b"rq:queue:" + RAW_NAME, 0, -1) == [b"1", b"2"]  # type: ignore[arg-type]
    assert queues_of(redis_client) == [NAME]
    assert redis_client.exists("rq:job:1", "rq:job:2", "rq:job:3") == 2
    assert count_failed(redis_client, [NAME]) == 0

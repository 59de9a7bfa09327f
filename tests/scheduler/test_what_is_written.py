"""A job is written in one transaction, with the same content that RQ would write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Repeat, Retry

from rq_mon.calls.serializers import JSONSerializer
from scheduler import DataHubScheduler
from tests.harness import jobs

MOMENTS = {b"created_at", b"enqueued_at"}
OPTIONS: dict[str, Any] = {
    "args": (1, 2),
    "kwargs": {"third": [3]},
    "job_timeout": 60,
    "description": "Adds up",
    "job_id": "mine",
}
MORE: dict[str, Any] = {
    "retry": Retry(3, [1, 2, 3]),
    "repeat": Repeat(2, 60),
    "meta": {"key": "value"},
    "result_ttl": 7,
    "failure_ttl": 8,
    "on_success": Callback(jobs.record, timeout=5),
    "on_failure": Callback(jobs.record),
    "on_stopped": Callback(jobs.record),
}


def written(connection: Any) -> dict[bytes, Any]:
    """The whole content of Redis without times."""
    found: dict[bytes, Any] = {}
    for key in connection.keys("*"):
        match connection.type(key):
            case b"hash":
                fields = connection.hgetall(key)
                found[key] = {name: name if name in MOMENTS else value for name, value in fields.items()}
            case b"list":
                found[key] = connection.lrange(key, 0, -1)
            case b"zset":
                found[key] = {
                    name: score // 3600 for name, score in connection.zrange(key, 0, -1, withscores=True)
                }
            case b"set":
                found[key] = connection.smembers(key)
    return found


@pytest.mark.parametrize("delay", [None, timedelta(days=1)])
@pytest.mark.parametrize("more", [{}, MORE, {"at_front": True}, {"ttl": 90}, {"unique": True}])
@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_a_job_is_stored_as_by_rq(
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    delay: timedelta | None,
    more: dict[str, Any],
    serializer: str,
) -> None:
    monkeypatch.setenv("RQ_SERIALIZER", serializer)
    queue = Queue(
        "mail", connection=redis_client, serializer=JSONSerializer if serializer == "json" else None
    )
    options = {**OPTIONS, **more}
    path = f"{jobs.__name__}.{jobs.add.__name__}"
    if delay is None:
        queue.enqueue(path, **options)
    else:
        queue.enqueue_in(delay, path, **options)
    expected = written(redis_client)
    redis_client.flushall()

    with DataHubScheduler() as scheduler:
        if delay is None:
            scheduler.enqueue("mail", jobs.add, **options)
        else:
            scheduler.enqueue_in("mail", delay, jobs.add, **options)

    assert written(redis_client) == expected


@pytest.mark.parametrize("delay", [None, timedelta(days=1)])
def test_a_job_is_written_in_one_transaction(redis_client: Any, delay: timedelta | None) -> None:
    with DataHubScheduler() as scheduler:
        scheduler.enqueue("mail", jobs.add)  # the first one connects
        redis_client.config_resetstat()
        if delay is None:
            scheduler.enqueue("mail", jobs.add)
        else:
            scheduler.enqueue_in("mail", delay, jobs.add)

    calls = {name: of["calls"] for name, of in redis_client.info("commandstats").items()}
    add = "cmdstat_rpush" if delay is None else "cmdstat_zadd"
    expected = {"cmdstat_multi": 1, "cmdstat_sadd": 1, "cmdstat_hset": 1, add: 1, "cmdstat_exec": 1}
    assert {name: count for name, count in calls.items() if "config" not in name} == expected


def test_a_ttl_of_zero_is_refused(redis_client: Redis) -> None:
    with DataHubScheduler() as scheduler, pytest.raises(ValueError, match="ttl must be greater than 0"):
        scheduler.enqueue("mail", jobs.add, ttl=0)

    assert redis_client.keys("*") == []

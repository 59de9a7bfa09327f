"""What a scrape costs Redis: few round trips for any amount of data, short commands, and no writes."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from proofs.bench.latency_proxy import LatencyProxy
from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.series import functions_key, jobs_key
from tests.rq_mon.exporter.conftest import registry_of
from tests.rq_mon.exporter.samples import Samples, samples_of

MAX_ROUND_TRIPS = 8
STEPS = 3
"""Names; workers and counts; details of queues. What they led to last time is asked at the same time."""

LONGER_THAN_SENDING = 0.1

NAMES = {"smembers"}
DETAILS = {"hget", "hgetall", "hmget", "llen", "time", "ttl", "zcard", "zcount", "zmscore"}
PARTS = {"lindex", "lrange", "sscan", "zrange", "zrangebyscore"}
"""Each reads a limited part of a key."""
SHORT_COMMANDS = NAMES | DETAILS | PARTS | {"ping"}
"""None writes. Those that read a whole key find little in it: names, or the counts of one function.

PING marks the
end of replies.
"""

EXPORTER_RULES = (
    "resetkeys %R~rq:* resetchannels -@all +@read +time"
    " +ping +client|setname +hello +auth +select -@dangerous"
)
"""The rights of the exporter's user in the stack."""


def _fill(client: Redis, number: int) -> None:
    """Create this many queues, workers, functions and cron jobs, all busy."""
    with client.pipeline(transaction=False) as pipeline:
        for i in range(number):
            queue = f"queue-{i}"
            pipeline.sadd("rq:queues", f"rq:queue:{queue}")
            pipeline.rpush(f"rq:queue:{queue}", f"job-{i}")
            pipeline.hset(f"rq:job:job-{i}", mapping={"enqueued_at": "2026-01-01T00:00:00.000000Z"})
            for registry in ("wip", "scheduled", "deferred", "canceled"):
                pipeline.zadd(f"rq:{registry}:{queue}", {f"job-{i}": 1})
            pipeline.zadd(f"rq:rl:{i}:rate_limited", {f"job-{i}": 1})
            pipeline.sadd("rq:rl-keys", str(i))
            pipeline.hset(f"rq:job:job-{i}", "dependency_id", f"job-{i}")
            worker = {
                "birth": "2026-11-24T03:12:35Z",
                "queues": queue,
                "state": "busy",
                "current_job": f"job-{i}",
            }
            pipeline.hset(f"rq:worker:{i}", mapping=worker)
            pipeline.sadd("rq:workers", f"rq:worker:{i}")
            pipeline.sadd(catalogue.MONITORED_QUEUES_KEY, queue)
            pipeline.sadd(functions_key(queue), "f")
            pipeline.hset(jobs_key(queue, "f"), "success:count", "1")
            definition = f'{{"queue": "{queue}", "function": "f", "schedule": "* * * * *"}}'
            pipeline.hset(catalogue.CRON_JOBS_KEY, str(i), definition)
        pipeline.execute()


def _trips_of_a_scrape(server: RedisServer) -> int:
    with LatencyProxy(server.port, LONGER_THAN_SENDING) as proxy:
        registry = registry_of(proxy.url)
        assert registry.get_sample_value("rq_redis_up") == 1  # the first scrape connects
        proxy.trips = 0
        assert registry.get_sample_value("rq_redis_up") == 1
        return proxy.trips


@pytest.mark.parametrize("number", [1, 10, 100])
def test_a_scrape_takes_the_same_number_of_round_trips_for_any_number_of_workers_and_queues(
    redis_client: Redis, redis_server: RedisServer, number: int
) -> None:
    _fill(redis_client, number)

    assert _trips_of_a_scrape(redis_server) == STEPS <= MAX_ROUND_TRIPS


def test_a_scrape_that_connects_and_logs_in_stays_within_the_limit(
    redis_client: Redis, redis_server: RedisServer
) -> None:
    _fill(redis_client, 10)
    redis_client.acl_setuser("reader", enabled=True, passwords=["+secret"], categories=["+@all"], keys=["*"])

    with LatencyProxy(redis_server.port, LONGER_THAN_SENDING) as proxy:
        registry = registry_of(f"redis://reader:secret@127.0.0.1:{proxy.port}/0")
        assert registry.get_sample_value("rq_redis_up") == 1

    assert proxy.trips <= MAX_ROUND_TRIPS


def test_a_scrape_of_an_empty_redis_takes_fewer_round_trips(
    redis_client: Redis, redis_server: RedisServer
) -> None:
    assert _trips_of_a_scrape(redis_server) < STEPS


def _facts(registry: CollectorRegistry) -> Samples:
    """What does not change between two scrapes."""
    names = (
        "rq_jobs",
        "rq_job_",
        "rq_workers",
        "rq_cron",
        "rq_queue_stuck",  # deferred ones, too
        "rq_queue_workers",
        "rq_queue_monitored_workers",
        "rq_redis_up",
    )
    return samples_of(registry, *names)


def test_resp3_returns_the_same(
    redis_client: Redis, redis_server: RedisServer, registry: CollectorRegistry
) -> None:
    _fill(redis_client, 3)
    redis_client.zadd(catalogue.CRON_NEXT_TICKS_KEY, {"1": 1795490000.5})

    assert _facts(registry_of(f"{redis_server.url}?protocol=3")) == _facts(registry)
    assert (
        registry.get_sample_value("rq_cron_job_next_tick_timestamp_seconds", {"cron_job": "1"})
        == 1795490000.5
    )


def test_a_read_only_user_serves_the_same(
    redis_client: Redis, redis_server: RedisServer, registry: CollectorRegistry
) -> None:
    _fill(redis_client, 3)
    rules = ("on", ">secret", *EXPORTER_RULES.split())
    redis_client.execute_command("ACL", "SETUSER", "exporter", *rules)  # type: ignore[no-untyped-call]

    restricted = registry_of(f"redis://exporter:secret@127.0.0.1:{redis_server.port}/0")

    assert _facts(restricted) == _facts(registry)
    assert restricted.get_sample_value("rq_redis_up") == 1


def test_scrape_writes_nothing_and_sends_only_short_commands(
    redis_client: Redis, registry: CollectorRegistry
) -> None:
    _fill(redis_client, 3)
    redis_client.rpush("rq:queue:queue-0", *(f"long-{i}" for i in range(500)))
    redis_client.sadd("rq:workers", "rq:worker:killed")
    redis_client.config_resetstat()

    samples_of(registry)

    stats: Any = redis_client.info("commandstats")
    sent = {name.removeprefix("cmdstat_") for name in stats}
    assert sent - {"client|setinfo", "config|resetstat", "info"} == SHORT_COMMANDS

"""Cron: jobs, ticks and schedulers."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.cron.definition import define
from rq_mon.cron.liveness import announce, withdraw
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.conftest import registry_of
from tests.rq_mon.exporter.samples import errors_of, samples_of

NIGHTLY = {"cron_job": "nightly"}


@pytest.fixture
def cron_job(redis_client: Redis) -> None:
    """A registered cron job, due every midnight."""
    _register(redis_client, "nightly", "0 0 * * *")


def _register(client: Redis, cron_job_id: str, cron: str) -> None:
    cron_job = define(
        jobs.succeed,
        cron,
        queue_name="mail",
        timezone=ZoneInfo("UTC"),
        now=time.time(),
        timeout=60,
        cron_job_id=cron_job_id,
    )
    CronRegistry(client).register(cron_job)


def test_cron_job_is_served_with_queue_function_and_schedule(
    registry: CollectorRegistry, cron_job: None
) -> None:
    labels = {
        **NIGHTLY,
        "queue": "mail",
        "function": "tests.rq_mon.exporter.jobs.succeed",
        "schedule": "0 0 * * *",
    }

    assert registry.get_sample_value("rq_cron_job_info", labels) == 1


def test_next_tick_is_a_unix_time(registry: CollectorRegistry, cron_job: None) -> None:
    tick = registry.get_sample_value("rq_cron_job_next_tick_timestamp_seconds", NIGHTLY)

    assert tick is not None
    assert tick % 86400 == 0
    assert 0 < tick - time.time() <= 86400


def test_a_paused_cron_job_is_marked_and_has_no_next_tick(
    registry: CollectorRegistry, redis_client: Redis, cron_job: None
) -> None:
    assert registry.get_sample_value("rq_cron_job_paused", NIGHTLY) == 0

    CronRegistry(redis_client).pause("nightly")

    assert registry.get_sample_value("rq_cron_job_paused", NIGHTLY) == 1
    assert registry.get_sample_value("rq_cron_job_next_tick_timestamp_seconds", NIGHTLY) is None


def test_an_enqueued_tick_is_the_last_tick_and_is_counted(
    registry: CollectorRegistry, redis_client: Redis, cron_job: None
) -> None:
    due = registry.get_sample_value("rq_cron_job_next_tick_timestamp_seconds", NIGHTLY)
    assert due is not None

    TickClaims(redis_client, grace=60).claim(due + 1)

    assert registry.get_sample_value("rq_cron_job_last_tick_timestamp_seconds", NIGHTLY) == due
    assert registry.get_sample_value("rq_cron_ticks_total", {**NIGHTLY, "result": "enqueued"}) == 1


def test_before_its_first_tick_a_cron_job_has_zeros_and_no_last_tick(
    registry: CollectorRegistry, cron_job: None
) -> None:
    for result in catalogue.TICK_RESULTS:
        assert registry.get_sample_value("rq_cron_ticks_total", {**NIGHTLY, "result": result}) == 0
    assert samples_of(registry, "rq_cron_job_last_tick") == {}


def test_cancelled_cron_job_is_gone(registry: CollectorRegistry, redis_client: Redis, cron_job: None) -> None:
    CronRegistry(redis_client).cancel("nightly")

    assert samples_of(registry, "rq_cron_job", "rq_cron_ticks") == {}


def test_live_schedulers_count_until_they_withdraw_or_expire(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    for name in ("alive", "withdrawn", "killed"):
        announce(redis_client, name)
    withdraw(redis_client, "withdrawn")
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"killed": time.time() - 1})

    assert registry.get_sample_value("rq_cron_schedulers") == 1


def test_without_the_right_to_time_the_machines_clock_is_used(
    redis_client: Redis, redis_server: RedisServer, cron_job: None
) -> None:
    for name in ("alive", "alive-too", "killed"):
        announce(redis_client, name)
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"killed": time.time() - 1})
    redis_client.acl_setuser(
        "old", enabled=True, passwords=["+secret"], categories=["+@all"], commands=["-time"], keys=["*"]
    )

    registry = registry_of(f"redis://old:secret@127.0.0.1:{redis_server.port}/0")

    assert registry.get_sample_value("rq_cron_schedulers") == 2
    assert registry.get_sample_value("rq_redis_up") == 1
    assert len(samples_of(registry, "rq_cron_job_info")) == 1
    assert errors_of(registry, "cron") >= 1


def test_schedulers_are_zero_if_none_ever_ran(registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("rq_cron_schedulers") == 0


@pytest.mark.parametrize(
    "definition", ["not JSON", "[]", '"text"', "{}", '{"queue": 1, "function": 2, "schedule": 3}', b"\xff"]
)
def test_unreadable_definition_is_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, cron_job: None, definition: str | bytes
) -> None:
    redis_client.hset(catalogue.CRON_JOBS_KEY, mapping={"broken": definition})

    assert {dict(labels)["cron_job"] for _, labels in samples_of(registry, "rq_cron_job_info")} == {"nightly"}
    assert errors_of(registry, "cron") == 2


def test_unreadable_counts_are_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, cron_job: None
) -> None:
    redis_client.hset(catalogue.CRON_TICKS_KEY, "nightly:enqueued", "many")
    redis_client.hset(catalogue.CRON_TICKS_KEY, "nightly:unheard-of", "1")
    redis_client.hset(catalogue.CRON_LAST_TICKS_KEY, "nightly", "yesterday")

    assert registry.get_sample_value("rq_cron_ticks_total", {**NIGHTLY, "result": "enqueued"}) is None
    assert registry.get_sample_value("rq_cron_ticks_total", {**NIGHTLY, "result": "missed"}) == 0
    assert samples_of(registry, "rq_cron_job_last_tick") == {}
    assert errors_of(registry, "cron") == 4 * 3

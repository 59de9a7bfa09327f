"""Broken and foreign keys under RQ's names are left out and counted; everything else is served."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue, Worker

from rq_mon import catalogue
from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import openmetrics_format
from rq_mon.series import functions_key, jobs_key, waits_key
from rq_mon.state.errors import MAX_REMEMBERED
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import errors_of, samples_of

GARBAGE = b"\x80\x04\xff\x00garbage"

QUEUED = {"queue": "mail", "status": "queued"}
BORN = {"birth": "2026-11-24T03:12:35.381567Z"}
"""A hash without it does not belong to a worker."""


@pytest.fixture
def good(redis_client: Redis) -> Queue:
    """A queue with a job, and a worker, which must be served whatever else exists."""
    queue = Queue("mail", connection=redis_client)
    queue.enqueue(jobs.succeed)
    Worker([queue], connection=redis_client, name="ann").register_birth()  # type: ignore[no-untyped-call]
    return queue


def _assert_good_is_served(registry: CollectorRegistry) -> None:
    found = samples_of(registry)
    assert found["rq_redis_up", frozenset()] == 1
    assert found["rq_jobs", frozenset(QUEUED.items())] == 1
    assert found["rq_queue_workers", frozenset({("queue", "mail")})] == 1
    assert ("rq_worker_last_heartbeat_timestamp_seconds", frozenset({("name", "ann")})) in found


@pytest.mark.parametrize(
    ("key", "theme"),
    [
        ("rq:queue:other", "queues"),
        ("rq:wip:other", "queues"),
        ("rq:scheduled:other", "queues"),
        ("rq:job:head", "queues"),
        ("rq:worker:other", "workers"),
        ("rq:job:current", "workers"),
        (catalogue.WRITE_ERRORS_KEY, "jobs"),
        (functions_key("other"), "jobs"),
        (waits_key("other"), "jobs"),
        (jobs_key("other", "f"), "jobs"),
        (catalogue.CRON_JOBS_KEY, "cron"),
        (catalogue.CRON_NEXT_TICKS_KEY, "cron"),
        (catalogue.CRON_LAST_TICKS_KEY, "cron"),
        (catalogue.CRON_TICKS_KEY, "cron"),
        (catalogue.CRON_SCHEDULERS_KEY, "cron"),
    ],
)
def test_a_key_with_a_foreign_type_is_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, key: str, theme: str
) -> None:
    redis_client.sadd("rq:queues", "rq:queue:other")
    redis_client.rpush("rq:queue:other", "head")
    redis_client.hset(
        "rq:worker:other", mapping={**BORN, "queues": "other", "state": "busy", "current_job": "current"}
    )
    redis_client.sadd("rq:workers", "rq:worker:other")
    redis_client.sadd(catalogue.MONITORED_QUEUES_KEY, "other")
    redis_client.sadd(functions_key("other"), "f")
    redis_client.hset(
        catalogue.CRON_JOBS_KEY, "nightly", '{"queue": "q", "function": "f", "schedule": "0 0 * * *"}'
    )
    redis_client.delete(key)
    redis_client.set(key, GARBAGE)

    _assert_good_is_served(registry)
    assert errors_of(registry, theme) == 2
    assert sum(samples_of(registry, "rq_exporter_errors_total").values()) == 3


@pytest.mark.parametrize(
    ("key", "theme"),
    [("rq:queues", "queues"), ("rq:workers", "workers"), (catalogue.MONITORED_QUEUES_KEY, "jobs")],
)
def test_a_list_of_names_with_a_foreign_type_is_counted(
    registry: CollectorRegistry, redis_client: Redis, key: str, theme: str
) -> None:
    redis_client.set(key, GARBAGE)

    assert registry.get_sample_value("rq_redis_up") == 1
    assert registry.get_sample_value("rq_cron_schedulers") == 0
    assert errors_of(registry, theme) == 3


@pytest.mark.parametrize(("names", "theme"), [("rq:queues", "queues"), ("rq:workers", "workers")])
def test_a_foreign_member_of_a_list_of_names_is_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, names: str, theme: str
) -> None:
    members: Any = ["mail", GARBAGE, "rq:other:mail"]
    redis_client.sadd(names, *members)

    _assert_good_is_served(registry)
    assert errors_of(registry, theme) == 2 * len(members)


@pytest.mark.parametrize(
    ("field", "lost"),
    [
        ("successful_job_count", "rq_workers_success_total"),
        ("failed_job_count", "rq_workers_failed_total"),
        ("total_working_time", "rq_workers_working_time_total"),
        ("last_heartbeat", "rq_worker_last_heartbeat_timestamp_seconds"),
    ],
)
@pytest.mark.parametrize("value", ["many", "nan", "-inf", "2026-01-01", "0x10", GARBAGE])
def test_worker_with_a_broken_field_loses_only_that(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, field: str, lost: str, value: Any
) -> None:
    redis_client.hset("rq:worker:odd", mapping={**BORN, "state": "idle", "queues": "mail", field: value})
    redis_client.sadd("rq:workers", "rq:worker:odd")

    names = {name for name, labels in samples_of(registry) if ("name", "odd") in labels}

    assert lost not in names
    assert "rq_workers" in names
    assert registry.get_sample_value("rq_queue_workers", {"queue": "mail"}) == 2
    assert errors_of(registry, "workers") == 3


@pytest.mark.parametrize("value", ["yesterday", "2026-01-01T00:00:00", "1795490000", GARBAGE])
def test_broken_dates_of_jobs_are_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, value: Any
) -> None:
    job_id = good.job_ids[0]
    redis_client.hset(f"rq:job:{job_id}", mapping={"enqueued_at": value, "started_at": value})
    redis_client.hset("rq:worker:ann", mapping={"state": "busy", "current_job": job_id})

    _assert_good_is_served(registry)
    assert samples_of(registry, "rq_worker_job_running") == {}
    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", {"queue": "mail"}) is not None
    assert errors_of(registry, "queues") == errors_of(registry, "workers") - 1 == 4


def test_hash_with_names_of_a_later_version_is_served(
    registry: CollectorRegistry, redis_client: Redis, good: Queue
) -> None:
    redis_client.sadd(catalogue.MONITORED_QUEUES_KEY, "mail")
    redis_client.sadd(functions_key("mail"), "f")
    redis_client.hset(jobs_key("mail", "f"), mapping={"success:count": "3", "success:novelty": "x"})

    labels = {"queue": "mail", "function": "f", "outcome": "success"}
    assert registry.get_sample_value("rq_jobs_processed_total", labels) == 3
    assert errors_of(registry, "jobs") == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("success:count", "1" + "0" * 400),
        ("success:microseconds", "-1" + "0" * 5000),
        ("success:le:0.1", "1.5"),
        ("success:le:tiny", "1"),
        ("success:exemplar:0.1", "nan 0.1 job-1"),
        ("success:exemplar:0.1", "1795490000 inf job-1"),
        ("success:exemplar:0.1", "now"),
        ("exceptions:count:ValueError", GARBAGE),
    ],
)
def test_function_with_a_broken_field_is_left_out_alone(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, field: str, value: Any
) -> None:
    redis_client.sadd(catalogue.MONITORED_QUEUES_KEY, "mail")
    redis_client.sadd(functions_key("mail"), "broken", "whole")
    redis_client.hset(jobs_key("mail", "broken"), mapping={"success:count": "1", field: value})
    redis_client.hset(jobs_key("mail", "whole"), "success:count", "1")

    text = b"".join(plain(openmetrics_format(registry.collect())))

    assert b'function="whole"' in text
    assert b'function="broken"' not in text
    assert errors_of(registry, "jobs") == 2


def test_more_than_a_limit_of_different_errors_is_not_logged(
    registry: CollectorRegistry, redis_client: Redis, good: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.sadd("rq:queues", *(f"foreign-{i}" for i in range(MAX_REMEMBERED + 100)))

    _assert_good_is_served(registry)
    _assert_good_is_served(registry)

    assert errors_of(registry, "queues") == 3 * (MAX_REMEMBERED + 100)
    assert len(caplog.messages) == MAX_REMEMBERED

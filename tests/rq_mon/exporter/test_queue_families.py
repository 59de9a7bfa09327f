"""Queues: age of the oldest job, stuck and overdue jobs, and the workers of each."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue, Worker
from rq.executions import Execution

from rq_mon.catalogue import MONITORED_WORKER_FIELD
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import errors_of

MAIL = {"queue": "mail"}


def test_oldest_job_is_the_one_at_the_head(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    head = queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed)
    enqueued_at = datetime.now(UTC) - timedelta(seconds=100)
    redis_client.hset(head.key, "enqueued_at", enqueued_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    age = registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL)

    assert age is not None
    assert 100 <= age < 110


def test_age_is_0_in_an_empty_queue(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)
    queue.empty()  # type: ignore[no-untyped-call]

    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) == 0


def test_age_is_not_negative_where_the_clock_of_the_application_is_ahead(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.succeed)
    redis_client.hset(job.key, "enqueued_at", "2100-01-01T00:00:00.000000Z")

    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) == 0


def test_age_is_unknown_while_the_job_at_the_head_is_deleted(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    redis_client.delete(queue.enqueue(jobs.succeed).key)

    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) is None
    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "queued"}) == 1
    assert errors_of(registry, "queues") == 0


def test_started_job_is_stuck_once_its_heartbeat_has_expired(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    with redis_client.pipeline() as pipeline:
        for _ in range(2):
            execution = Execution.create(queue.enqueue(jobs.succeed), ttl=60, pipeline=pipeline)
        pipeline.zadd(queue.started_job_registry.key, {execution.composite_key: time.time() - 1})
        pipeline.execute()

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "started"}) == 2
    assert registry.get_sample_value("rq_queue_stuck_jobs", MAIL) == 1


def test_scheduled_job_is_overdue_once_its_time_has_come(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    queue.enqueue_in(timedelta(hours=-1), jobs.succeed)

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "scheduled"}) == 2
    assert registry.get_sample_value("rq_queue_overdue_scheduled_jobs", MAIL) == 1


def test_queue_without_trouble_has_zeros(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)

    for name in ("rq_queue_stuck_jobs", "rq_queue_overdue_scheduled_jobs"):
        assert registry.get_sample_value(name, MAIL) == 0
    for name in ("rq_queue_workers", "rq_queue_monitored_workers"):
        assert registry.get_sample_value(name, MAIL) == 0


def test_worker_counts_for_each_queue_that_it_listens_to(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    Worker(["mail", "reports"], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]
    Worker(["mail"], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]

    assert registry.get_sample_value("rq_queue_workers", MAIL) == 2
    assert registry.get_sample_value("rq_queue_workers", {"queue": "reports"}) == 1


def test_worker_that_said_goodbye_or_was_killed_does_not_count(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.succeed)
    killed, gone = (Worker([queue], connection=redis_client, name=name) for name in ("killed", "gone"))
    for worker in (killed, gone):
        worker.register_birth()  # type: ignore[no-untyped-call]
    redis_client.delete(killed.key)
    redis_client.hset(gone.key, "death", "2026-01-01T00:00:00.000000Z")

    assert registry.get_sample_value("rq_queue_workers", MAIL) == 0


def test_workers_that_count_their_jobs_are_told_from_those_that_do_not(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    plain = Worker(["mail", "reports"], connection=redis_client)
    monitored = Worker(["mail"], connection=redis_client)
    for worker in (plain, monitored):
        worker.register_birth()  # type: ignore[no-untyped-call]
    redis_client.hset(monitored.key, MONITORED_WORKER_FIELD, "1")

    assert registry.get_sample_value("rq_queue_workers", MAIL) == 2
    assert registry.get_sample_value("rq_queue_monitored_workers", MAIL) == 1
    assert registry.get_sample_value("rq_queue_monitored_workers", {"queue": "reports"}) == 0

    monitored.register_death()  # type: ignore[no-untyped-call]

    assert registry.get_sample_value("rq_queue_monitored_workers", MAIL) == 0


def test_age_grows_from_scrape_to_scrape(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)
    before = registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL)
    time.sleep(0.01)
    after = registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL)

    assert before is not None
    assert after is not None
    assert after - before >= 0.01

"""Queues: age of the oldest job, stuck and overdue jobs, and the workers of each."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue, Worker
from rq.executions import Execution

from rq_mon.catalogue import MONITORED_WORKER_FIELD
from rq_mon.series import waits_key
from rq_mon.worker.recorder import JobRecorder
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import errors_of, samples_of

MAIL = {"queue": "mail"}


def test_age_is_that_of_the_oldest_job(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    oldest = queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed, at_front=True)
    enqueued_at = datetime.now(UTC) - timedelta(seconds=100)
    redis_client.hset(oldest.key, "enqueued_at", enqueued_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    age = registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL)

    assert age is not None
    assert 100 <= age < 160


def test_age_is_0_in_an_empty_queue(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)
    queue.empty()  # type: ignore[no-untyped-call]

    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) == 0


def test_age_is_not_negative_if_the_applications_clock_is_ahead(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.succeed)
    redis_client.hset(job.key, "enqueued_at", "2100-01-01T00:00:00.000000Z")

    assert registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) == 0


def test_age_continues_to_grow_while_no_job_of_the_queue_is_found(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    """All have expired, and no worker removes them: the queue is stuck, and its alert must not resolve."""

    def age() -> float:
        value = registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL)
        assert value is not None
        return value

    job = queue.enqueue(jobs.succeed)
    redis_client.hset(job.key, "enqueued_at", "2026-01-01T00:00:00.000000Z")
    known = age()
    redis_client.delete(job.key)

    assert known <= age() < known + 60
    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "queued"}) == 1
    assert errors_of(registry, "queues") == 0

    queue.enqueue(jobs.succeed)
    assert 0 <= age() < 60
    queue.empty()  # type: ignore[no-untyped-call]
    assert age() == 0


def test_age_of_a_queue_whose_jobs_were_never_found_grows_from_the_first_scrape(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    redis_client.delete(queue.enqueue(jobs.succeed).key)
    ages = [registry.get_sample_value("rq_queue_oldest_job_age_seconds", MAIL) for _ in range(2)]

    assert ages[0] == 0
    assert ages[1] is not None
    assert 0 < ages[1] < 60


def test_started_job_is_stuck_once_its_heartbeat_has_expired(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    with redis_client.pipeline() as pipeline:
        for _ in range(3):
            execution = Execution.create(queue.enqueue(jobs.succeed), ttl=60, pipeline=pipeline)
        pipeline.zadd(queue.started_job_registry.key, {execution.composite_key: time.time() - 1})
        pipeline.execute()

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "started"}) == 3
    assert registry.get_sample_value("rq_queue_stuck_jobs", MAIL) == 1


def test_scheduled_job_is_overdue_once_its_time_has_come(registry: CollectorRegistry, queue: Queue) -> None:
    for hours in (1, 2, -1):
        queue.enqueue_in(timedelta(hours=hours), jobs.succeed)

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "scheduled"}) == 3
    assert registry.get_sample_value("rq_queue_overdue_scheduled_jobs", MAIL) == 1


def test_counts_only_deferred_jobs_that_will_never_run_as_stuck(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    cancelled, waiting = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)
    for dependency in (cancelled, cancelled, waiting):
        queue.enqueue(jobs.succeed, depends_on=dependency)
    cancelled.cancel()

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "deferred"}) == 3
    assert registry.get_sample_value("rq_queue_stuck_deferred_jobs", MAIL) == 2
    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "canceled"}) == 1


def test_rate_limited_jobs_are_counted(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    held = [queue.enqueue(jobs.succeed) for _ in range(3)][:2]
    redis_client.sadd("rq:rl-keys", "api")
    for job in held:
        redis_client.hset(job.key, "status", "rate_limited")
        redis_client.lrem(queue.key, 0, job.id)
        redis_client.zadd("rq:rl:api:rate_limited", {job.id: 1})

    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "queued"}) == 1
    assert registry.get_sample_value("rq_jobs", {**MAIL, "status": "rate_limited"}) == 2


def test_queue_without_trouble_has_zeros(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)

    troubles = ("rq_queue_stuck_jobs", "rq_queue_overdue_scheduled_jobs", "rq_queue_stuck_deferred_jobs")
    for name in troubles:
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


def test_worker_that_names_a_queue_twice_counts_once(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    twice = Worker(["mail", "reports", "mail"], connection=redis_client)
    twice.register_birth()  # type: ignore[no-untyped-call]
    redis_client.hset(twice.key, MONITORED_WORKER_FIELD, "1")
    Worker(["mail"], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]

    assert registry.get_sample_value("rq_queue_workers", MAIL) == 2
    assert registry.get_sample_value("rq_queue_monitored_workers", MAIL) == 1


def test_worker_that_unregistered_or_was_killed_does_not_count(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.succeed)
    killed, gone = (Worker([queue], connection=redis_client, name=name) for name in ("killed", "gone"))
    for worker in (killed, gone):
        worker.register_birth()  # type: ignore[no-untyped-call]
    redis_client.delete(killed.key)
    redis_client.hset(gone.key, "death", "2026-01-01T00:00:00.000000Z")

    assert registry.get_sample_value("rq_queue_workers", MAIL) == 0


def test_workers_that_count_their_jobs_are_distinguished_from_others(
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


def test_expired_jobs_are_counted_by_queue(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    """0 once a queue is known; kept for one that RQ has forgotten."""
    queue.enqueue(jobs.succeed)
    recorder = JobRecorder(max_functions=10, max_exceptions=10)
    for name in ("reports", "reports", "gone"):
        recorder.record_expired(redis_client, name)
    redis_client.sadd("rq:queues", "rq:queue:reports")

    counts = samples_of(registry, "rq_queue_expired_jobs_total")

    assert {dict(labels)["queue"]: count for (_, labels), count in counts.items()} == {
        "mail": 0,
        "reports": 2,
        "gone": 1,
    }


def test_only_a_count_of_expired_jobs_that_is_not_a_number_is_left_out(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    recorder = JobRecorder(max_functions=10, max_exceptions=10)
    for name in ("mail", "reports", "reports"):
        recorder.record_expired(redis_client, name)
    redis_client.hset(waits_key("mail"), "expired", "many")

    counts = samples_of(registry, "rq_queue_expired_jobs_total")

    assert {dict(labels)["queue"]: count for (_, labels), count in counts.items()} == {"reports": 2}
    assert errors_of(registry, "jobs") == 2

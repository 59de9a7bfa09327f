"""Workers: last heartbeat, and the age of the running job."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue, Worker
from rq.job import Job

from rq_mon.catalogue import WORKER_VERSION_FIELD
from rq_mon.state.live import live_workers
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import samples_of


@pytest.fixture
def worker(redis_client: Redis) -> Worker:
    """A live worker."""
    worker = Worker(["mail", "reports"], connection=redis_client, name="ann")
    worker.register_birth()  # type: ignore[no-untyped-call]
    return worker


def _start_job(worker: Worker, queue: Queue, timeout: int | None = None) -> Job:
    """Write the keys that a worker and its work horse write before they call the job's function."""
    job = queue.enqueue(jobs.succeed, job_timeout=timeout)
    worker.prepare_execution(job)
    worker.prepare_job_execution(job)
    return job


def test_last_heartbeat_is_the_unix_time_of_the_workers_report(
    registry: CollectorRegistry, worker: Worker
) -> None:
    worker.heartbeat()

    reported = registry.get_sample_value("rq_worker_last_heartbeat_timestamp_seconds", {"name": "ann"})

    assert reported == pytest.approx(time.time(), abs=60)


def test_a_running_job_has_an_age_and_its_queue(
    registry: CollectorRegistry, worker: Worker, redis_client: Redis
) -> None:
    _start_job(worker, Queue("reports", connection=redis_client))

    age = registry.get_sample_value("rq_worker_job_running_seconds", {"name": "ann", "queue": "reports"})

    assert age is not None
    assert 0 <= age < 60


def test_the_running_job_of_an_rq_3_worker_is_found_in_its_executions(
    registry: CollectorRegistry, worker: Worker, queue: Queue, redis_client: Redis
) -> None:
    job = _start_job(worker, queue)
    redis_client.hdel(worker.key, "current_job")
    redis_client.sadd(f"{worker.key}:executions", f"{job.id}:0123456789abcdef")

    assert (
        registry.get_sample_value("rq_worker_job_running_seconds", {"name": "ann", "queue": "mail"})
        is not None
    )


@pytest.mark.parametrize(("given", "seconds"), [(90, 90), (None, Queue.DEFAULT_TIMEOUT)])
def test_a_running_job_has_its_timeout(
    registry: CollectorRegistry, worker: Worker, queue: Queue, given: int | None, seconds: int
) -> None:
    _start_job(worker, queue, timeout=given)

    limit = registry.get_sample_value("rq_worker_job_timeout_seconds", {"name": "ann", "queue": "mail"})

    assert limit == seconds


def test_a_job_that_may_run_forever_has_no_timeout(
    registry: CollectorRegistry, worker: Worker, queue: Queue
) -> None:
    _start_job(worker, queue, timeout=-1)

    assert samples_of(registry, "rq_worker_job_timeout_seconds") == {}
    assert samples_of(registry, "rq_worker_job_running_seconds") != {}


def test_job_with_a_broken_timeout_loses_only_that(
    registry: CollectorRegistry, worker: Worker, queue: Queue, redis_client: Redis
) -> None:
    job = _start_job(worker, queue)
    redis_client.hset(job.key, "timeout", "soon")

    assert samples_of(registry, "rq_worker_job_timeout_seconds") == {}
    assert samples_of(registry, "rq_worker_job_running_seconds") != {}
    assert registry.get_sample_value("rq_exporter_errors_total", {"reason": "workers"}) == 3


def test_idle_worker_has_no_running_job(registry: CollectorRegistry, worker: Worker) -> None:
    assert samples_of(registry, "rq_worker_job_running_seconds") == {}
    assert samples_of(registry, "rq_worker_job_timeout_seconds") == {}


def test_a_worker_that_signs_off_during_a_job_no_longer_runs_it(
    registry: CollectorRegistry, worker: Worker, queue: Queue, redis_client: Redis
) -> None:
    """Its hash remains for another minute."""
    _start_job(worker, queue)
    other = Worker(["mail"], connection=redis_client, name="bob")
    other.register_birth()  # type: ignore[no-untyped-call]
    _start_job(other, queue)
    redis_client.hset(worker.key, "death", "2026-01-01T00:00:00.000000Z")

    running = samples_of(registry, "rq_worker_job_running_seconds", "rq_worker_job_timeout_seconds")

    assert [dict(labels)["name"] for _, labels in running] == ["bob", "bob"]


def test_a_worker_whose_key_never_expires_has_no_expiry(
    registry: CollectorRegistry, worker: Worker, redis_client: Redis
) -> None:
    labels = {"name": "ann"}
    assert (registry.get_sample_value("rq_worker_expires_in_seconds", labels) or 0) > 30

    redis_client.persist(worker.key)

    assert registry.get_sample_value("rq_worker_expires_in_seconds", labels) is None
    assert registry.get_sample_value("rq_worker_last_heartbeat_timestamp_seconds", labels) is not None


def test_job_that_is_deleted_while_it_runs_has_no_age(
    registry: CollectorRegistry, worker: Worker, queue: Queue, redis_client: Redis
) -> None:
    job = _start_job(worker, queue)
    redis_client.delete(job.key)

    assert samples_of(registry, "rq_worker_job_running_seconds") == {}
    assert registry.get_sample_value("rq_exporter_errors_total", {"reason": "workers"}) == 0


def test_a_worker_that_signed_off_is_left_out(
    registry: CollectorRegistry, worker: Worker, redis_client: Redis
) -> None:
    redis_client.hset(worker.key, "death", "2026-01-01T00:00:00.000000Z")

    assert samples_of(registry, "rq_worker_last_heartbeat") == {}


@pytest.mark.parametrize("state", ["idle", "started", "suspended"])
def test_a_worker_that_is_not_busy_runs_no_job(
    registry: CollectorRegistry, worker: Worker, queue: Queue, redis_client: Redis, state: str
) -> None:
    """The worker's hash may still name a job that was cancelled and stopped."""
    _start_job(worker, queue)
    redis_client.hset(worker.key, "state", state)

    assert samples_of(registry, "rq_worker_job_running_seconds") == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"current_job_working_time": "0"},
        {"last_heartbeat": "2026-01-01T00:00:00.000000Z", "state": "idle"},
        {"state": "busy", "current_job": "gone", "failed_job_count": "1", "total_working_time": "1.5"},
    ],
)
def test_the_remains_of_a_lost_worker_are_not_a_worker(
    registry: CollectorRegistry, worker: Worker, redis_client: Redis, fields: dict[str, str]
) -> None:
    stored: Any = fields
    redis_client.hset("rq:worker:ghost", mapping=stored)
    redis_client.sadd("rq:workers", "rq:worker:ghost")
    redis_client.sadd("rq:workers:mail", "rq:worker:ghost")

    names = {dict(labels).get("name") for _, labels in samples_of(registry, "rq_workers")}
    assert names == {"ann"}
    assert registry.get_sample_value("rq_queue_workers", {"queue": "mail"}) == 1
    assert live_workers(redis_client, "mail") == ["rq:worker:ann"]


@pytest.mark.parametrize(
    ("stored", "shown"), [("1.4.2", "1.4.2"), (b"\xff" + b"x" * 500, r"\xff" + "x" * 96)]
)
def test_the_version_that_a_worker_reports_is_shown_up_to_100_characters(
    registry: CollectorRegistry, worker: Worker, redis_client: Redis, stored: str | bytes, shown: str
) -> None:
    silent = Worker(["mail"], connection=redis_client, name="bob")
    silent.register_birth()  # type: ignore[no-untyped-call]
    redis_client.hset(worker.key, WORKER_VERSION_FIELD, stored)  # type: ignore[arg-type]

    found = samples_of(registry, "rq_worker_version_info")
    assert [dict(labels) for _, labels in found] == [{"name": "ann", "version": shown}]

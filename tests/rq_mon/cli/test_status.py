"""`rqmon status` and `rqmon health`: the state of everything, and whether it is healthy."""

from __future__ import annotations

import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.suspension import suspend

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.cron.definition import define
from rq_mon.cron.liveness import announce
from rq_mon.cron.registry import CronRegistry
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon


@pytest.fixture
def cron_job(redis_client: Redis) -> None:
    """A cron job that is due at midnight."""
    cron_job = define(
        jobs.succeed,
        "0 0 * * *",
        queue_name="mail",
        timezone=ZoneInfo("UTC"),
        now=time.time(),
        timeout=120,
        cron_job_id="nightly",
    )
    CronRegistry(redis_client).register(cron_job)


@pytest.fixture
def worker(redis_client: Redis, queue: Queue) -> SimpleWorker:
    """A live, idle worker."""
    worker = SimpleWorker([queue], connection=redis_client, name="worker-1")
    worker.register_birth()  # type: ignore[no-untyped-call]
    return worker


def test_shows_the_jobs_of_each_queue_by_state(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, worker: SimpleWorker
) -> None:
    waits = queue.enqueue(jobs.succeed)
    redis_client.hset(f"rq:job:{waits.id}", "enqueued_at", "2026-01-01T00:00:00.000000Z")
    queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    queue.enqueue(jobs.succeed, depends_on=waits)
    fail_jobs(redis_client, jobs=2)
    cancelled = [queue.enqueue(jobs.succeed) for _ in range(3)]
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=cancelled[0])
    for job in cancelled:
        job.cancel()

    (row,) = rqmon("status", "--json").json["queues"]

    assert row.pop("oldest_waits_seconds") > 86400
    assert row == {
        "name": "mail",
        "queued": 1,
        "started": 0,
        "finished": 0,
        "failed": 2,
        "deferred": 3,
        "scheduled": 1,
        "canceled": 3,
        "rate_limited": 0,
        "workers": 1,
        "stuck": 0,
        "overdue": 0,
        "stuck_deferred": 2,
    }


def test_shows_the_job_of_each_worker_and_its_age(rqmon: Rqmon, running_job_id: str) -> None:
    (row,) = rqmon("status", "--json").json["workers"]
    out = rqmon("status").out

    assert (row["state"], row["queues"], row["job_id"]) == ("busy", ["mail"], running_job_id)
    assert row["function"] == "tests.rq_mon.cli.jobs.sleep_until_exists"
    assert row["monitored"]
    assert 0 <= row["running_seconds"] < 60
    assert -1 <= row["last_report_seconds"] < 60
    assert running_job_id in out
    assert "tests.rq_mon.cli.jobs.sleep_until_exists" in out


def test_shows_cron_jobs_and_the_schedulers_that_are_alive(
    rqmon: Rqmon, redis_client: Redis, cron_job: None
) -> None:
    announce(redis_client, "cron-scheduler-host-1")

    status = rqmon("status", "--json").json
    out = rqmon("status").out

    (shown,) = status["cron_jobs"]
    assert (shown["id"], shown["schedule"], shown["paused"]) == ("nightly", "0 0 * * *", False)
    assert shown["next_tick"].endswith("T00:00:00+00:00")
    assert status["cron_schedulers"] == ["cron-scheduler-host-1"]
    assert "nightly" in out
    assert "cron-scheduler-host-1" in out


def test_an_empty_redis_has_nothing_to_show(rqmon: Rqmon) -> None:
    result = rqmon("status")

    assert result.code == 0
    assert result.out.count("none") == 4


def test_says_first_that_workers_are_paused(rqmon: Rqmon, redis_client: Redis) -> None:
    suspend(redis_client, ttl=600)

    assert rqmon("status").out.startswith("All workers are paused for 10m more")
    assert rqmon("status", "--json").json["paused_for_seconds"] == pytest.approx(600, abs=60)


def test_an_unknown_wait_is_shown_as_unknown(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    redis_client.delete(queue.enqueue(jobs.succeed).key)

    assert rqmon("status", "--json").json["queues"][0]["oldest_waits_seconds"] is None
    assert rqmon("status").out.splitlines()[2].split()[:10] == ["mail", "1", *["0"] * 7, "?"]


# ---- health ----


def test_healthy_with_a_worker_for_each_queue_that_has_jobs(
    rqmon: Rqmon, queue: Queue, worker: SimpleWorker
) -> None:
    queue.enqueue(jobs.succeed)

    assert (rqmon("health").code, rqmon("health").out) == (0, "healthy\n")


def test_unhealthy_without_a_worker(rqmon: Rqmon, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)

    result = rqmon("health")

    assert result.code == 1
    assert "mail: 1 jobs are waiting, and no live worker listens to the queue" in result.out


def test_unhealthy_while_workers_are_paused(rqmon: Rqmon, redis_client: Redis) -> None:
    suspend(redis_client)

    assert rqmon("health", "--json").json == {
        "healthy": False,
        "problems": ["all workers are paused: run `rqmon resume`"],
    }


def test_unhealthy_with_a_job_of_a_dead_worker(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    redis_client.sadd("rq:queues", queue.key)
    redis_client.zadd(queue.started_job_registry.key, {"job:execution": time.time() - 60})

    assert "mail: 1 started jobs are stuck: their worker is dead" in rqmon("health").out


def test_the_remains_of_a_lost_worker_are_not_a_worker(
    rqmon: Rqmon, redis_client: Redis, queue: Queue
) -> None:
    queue.enqueue(jobs.succeed)
    redis_client.sadd("rq:workers", "rq:worker:ghost")
    redis_client.hset("rq:worker:ghost", "current_job_working_time", "0")

    assert rqmon("status", "--json").json["workers"] == []
    assert "mail: 1 jobs are waiting, and no live worker listens to the queue" in rqmon("health").out


def test_unhealthy_with_deferred_jobs_that_will_never_run(
    rqmon: Rqmon, queue: Queue, worker: SimpleWorker
) -> None:
    cancelled, waits = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)
    for dependency in (cancelled, cancelled, waits):
        queue.enqueue(jobs.succeed, depends_on=dependency)
    assert rqmon("health").code == 0

    cancelled.cancel()

    (problem,) = rqmon("health", "--json").json["problems"]
    assert problem.startswith("mail: 2 deferred jobs will never run: a job they depend on failed")


def test_limits_apply_to_existing_jobs_only(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, worker: SimpleWorker
) -> None:
    gone, waits, _ = (queue.enqueue(jobs.succeed) for _ in range(3))
    redis_client.hset(waits.key, "enqueued_at", "2026-01-01T00:00:00.000000Z")
    redis_client.delete(gone.key)
    redis_client.zadd(queue.failed_job_registry.key, {"expired-1": 1, "expired-2": 2, "kept": 1e12})

    assert "mail: the oldest job has waited for" in rqmon("health", "--max-wait", "5m").out
    assert rqmon("health", "--max-failed", "1").code == 0
    assert "1 failed jobs" in rqmon("health", "--max-failed", "0").out

    redis_client.delete(*[f"rq:job:{job_id}" for job_id in queue.job_ids])
    assert rqmon("health").code == 0
    found = rqmon("health", "--max-wait", "5m", "--json").json["problems"]
    assert found == ["mail: 3 jobs are queued, but none exists: expired or deleted"]


def test_unhealthy_with_cron_jobs_and_no_cron_scheduler(
    rqmon: Rqmon, redis_client: Redis, cron_job: None
) -> None:
    assert "1 cron jobs are registered, but no cron scheduler is alive" in rqmon("health").out

    announce(redis_client, "cron-scheduler-host-1")
    assert rqmon("health").code == 0


def test_healthy_without_a_cron_scheduler_while_all_cron_jobs_are_paused(
    rqmon: Rqmon, redis_client: Redis, cron_job: None
) -> None:
    CronRegistry(redis_client).pause("nightly")

    assert rqmon("health").code == 0


def test_health_has_limits_only_if_the_user_sets_them(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, worker: SimpleWorker
) -> None:
    waits = queue.enqueue(jobs.succeed)
    redis_client.hset(f"rq:job:{waits.id}", "enqueued_at", "2026-01-01T00:00:00.000000Z")
    fail_jobs(redis_client, jobs=2)

    assert rqmon("health").code == 0
    assert "the oldest job has waited for" in rqmon("health", "--max-wait", "5m").out
    assert "2 failed jobs, more than 1" in rqmon("health", "--max-failed", "1").out
    assert rqmon("health", "--max-failed", "2").code == 0

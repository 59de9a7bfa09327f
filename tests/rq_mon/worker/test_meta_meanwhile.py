"""Only the work horse of a job loads its `meta`, not what moves, starts, stops or cancels it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job

from proofs.harness.waiting import wait_until
from rq_mon.cron.ticks import TickClaims
from rq_mon.jobs.stopping import stop
from rq_mon.worker.monitored_worker import MonitoredWorker
from tests.rq_mon.cron.cron import NOON, make_due, tick_counts
from tests.rq_mon.cron.test_failed_ticks import register_as, with_call
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.noted import PROTOCOLS, Noted, processes, store_noted_meta, stored_fields
from tests.rq_mon.worker.processes import FORKING, RQ, SIMPLE

pytestmark = pytest.mark.slow

WITH_SCHEDULER = {
    "burst": ("worker", "--burst", "--with-scheduler", "--worker-class", FORKING),
    "burst, no fork": ("worker", "--burst", "--with-scheduler", "--worker-class", SIMPLE),
    "process of its own": ("worker", "--with-scheduler", "--worker-class", FORKING),
    "pool": ("worker-pool", "--worker-class", FORKING),
}
"""Commands that run RQ's scheduler."""


@pytest.mark.parametrize("command", WITH_SCHEDULER.values(), ids=WITH_SCHEDULER)
def test_rqs_scheduler_enqueues_delayed_jobs_without_loading_their_meta(
    rq: RQ, redis_client: Redis, queue: Queue, tmp_path: Path, command: tuple[str, ...]
) -> None:
    stored = {}
    for protocol in PROTOCOLS:
        job = queue.enqueue_in(timedelta(seconds=-1), jobs.succeed)
        stored[job] = store_noted_meta(redis_client, job, tmp_path / "loaded", protocol)

    with rq.start(*command, "mail"):
        wait_until(lambda: queue.finished_job_registry.count == len(stored), "all jobs to end", within=120)

    assert processes(tmp_path / "loaded") == []
    for job, fields in stored.items():
        assert stored_fields(redis_client, job) == fields


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("function", ["succeed", "fail", "gone"])
def test_the_arguments_of_a_tick_are_loaded_in_its_work_horse_and_its_meta_nowhere(
    redis_client: Redis, tmp_path: Path, function: str, protocol: int
) -> None:
    """Neither by the cron scheduler, nor by what saves a retried or failed tick."""
    arguments = (Noted(tmp_path / "arguments"),)
    register_as(redis_client, with_call(f"{jobs.__name__}.{function}", args=arguments), retry=Retry(1))
    make_due(redis_client, "mine", NOON)
    (job,) = TickClaims(redis_client, grace=3600).claim(NOON)
    reported = {"cron_job": "mine", "tick": NOON}
    fields = store_noted_meta(redis_client, job, tmp_path / "meta", protocol, **reported)
    assert processes(tmp_path / "arguments") == []

    MonitoredWorker(["queue"], connection=redis_client).work(burst=True, logging_level="CRITICAL")

    loaded = processes(tmp_path / "arguments")
    assert loaded
    assert {parent for _, parent in loaded} == {str(os.getpid())}
    assert processes(tmp_path / "meta") == []
    assert tick_counts(redis_client)["failed"] == (function == "gone")
    assert stored_fields(redis_client, job) == fields


def stopped(redis: Redis, job: Job) -> None:
    assert stop(redis, job.id) == "asked"


def cancelled(redis: Redis, job: Job) -> None:
    job.cancel()
    redis.set("release", 1)


@pytest.mark.parametrize("end", [stopped, cancelled])
def test_stopping_or_cancelling_a_running_job_loads_no_meta(
    rq: RQ, redis_client: Redis, queue: Queue, tmp_path: Path, end: Callable[[Redis, Job], None]
) -> None:
    job = queue.enqueue(jobs.return_when_released)
    fields = store_noted_meta(redis_client, job, tmp_path / "loaded", 0)
    next_job = queue.enqueue(jobs.succeed)

    with rq.start_worker("mail"):
        wait_until(lambda: job.get_status() == "started", "the job to run", within=120)
        end(redis_client, job)
        wait_until(lambda: next_job.get_status() == "finished", "the next job to end", within=120)

    assert processes(tmp_path / "loaded") == []
    assert stored_fields(redis_client, job) == fields

"""How long jobs stay in Redis after their end: by the stack's settings, or by their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from scheduler import SHORT_RUNNING_QUEUE, DataHubScheduler
from tests.harness import jobs
from tests.harness.processes import Start

pytestmark = pytest.mark.slow

WORKER = "short-running-worker.py"
KEPT = {"RQ_RESULT_TTL_SECONDS": "700", "RQ_FAILURE_TTL_SECONDS": "800"}


@pytest.fixture
def scheduler(redis_client: Any) -> Iterator[DataHubScheduler]:
    with DataHubScheduler() as scheduler:
        yield scheduler


def seconds_left(job: Any) -> int:
    return int(job.connection.ttl(job.key))


def test_results_and_failures_expire_after_the_time_in_the_settings(
    scheduler: DataHubScheduler, start: Start
) -> None:
    result = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.add, 1, 2)
    failure = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.fail)
    killed = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.die)

    start(WORKER, **KEPT)

    wait_until(lambda: killed.get_status() == "failed", "the last job to end")
    assert 600 < seconds_left(result) <= 700
    assert 700 < seconds_left(failure) <= 800
    assert 700 < seconds_left(killed) <= 800


def test_a_job_with_its_own_ttl_is_kept_for_that_time(scheduler: DataHubScheduler, start: Start) -> None:
    queue = scheduler.get_queue(SHORT_RUNNING_QUEUE)
    result = queue.enqueue(jobs.sleep, 0, result_ttl=3000)
    failure = queue.enqueue(jobs.fail, failure_ttl=4000)

    start(WORKER, **KEPT)

    wait_until(lambda: failure.get_status() == "failed", "the last job to end")
    assert 2900 < seconds_left(result) <= 3000
    assert 3900 < seconds_left(failure) <= 4000


def test_an_abandoned_job_expires_after_the_time_in_the_settings(
    scheduler: DataHubScheduler, start: Start
) -> None:
    job = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.sleep, 60)
    worker = start(WORKER)
    wait_until(lambda: job.get_status() == "started", "the job to start")
    worker.kill()

    start(WORKER, **KEPT)

    wait_until(lambda: job.get_status() == "failed", "the job to be given up", within=60)
    assert 700 < seconds_left(job) <= 800

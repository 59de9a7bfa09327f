"""The wait of a job lasts from the moment it was last enqueued until its start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.utils import now

from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import waits
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow

AGES = timedelta(seconds=1000)


def enqueued_long_ago(job: Job) -> None:
    job.enqueued_at = now() - AGES
    job.save()


def test_the_wait_is_counted_when_the_job_starts(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    enqueued_long_ago(queue.enqueue(jobs.succeed))
    rq.work("mail")
    assert waits(redis_client, "mail").buckets == {1800.0: 1}
    assert AGES.total_seconds() <= waits(redis_client, "mail").seconds < AGES.total_seconds() + 60


def test_the_wait_of_a_retried_job_begins_when_it_is_enqueued_again(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    enqueued_long_ago(queue.enqueue(jobs.fail, retry=Retry(max=1)))
    rq.work("mail", worker_class=worker_class)
    histogram = waits(redis_client, "mail")
    assert histogram.count == 2
    assert histogram.seconds < AGES.total_seconds() + 60


def test_the_wait_of_a_scheduled_job_begins_when_it_is_due(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    job = queue.enqueue_at(now(), jobs.succeed)
    job.created_at = now() - AGES
    job.save()
    rq.work("mail", options=("--with-scheduler",))
    assert waits(redis_client, "mail").count == 1
    assert waits(redis_client, "mail").seconds < 60


def test_the_wait_is_zero_if_the_enqueuing_machines_clock_is_ahead(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.succeed)
    job.enqueued_at = now() + AGES
    job.save()
    rq.work("mail")
    assert waits(redis_client, "mail").buckets == {0.01: 1}
    assert waits(redis_client, "mail").microseconds == 0


def test_the_wait_of_a_job_counts_even_if_its_work_horse_is_killed(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.kill_work_horse)
    rq.work("mail")
    assert waits(redis_client, "mail").count == 1

"""The number of jobs of a queue in each state: existing ones only."""

from __future__ import annotations

import math
import time
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from rq_mon.state.errors import Errors
from tests.rq_mon.state import jobs
from tests.rq_mon.state.conftest import ReadQueues


def _everything(client: Redis) -> dict[bytes, object]:
    return {key: client.dump(key) for key in client.scan_iter()}


@pytest.mark.parametrize(
    ("status", "registry"), [("finished", FinishedJobRegistry), ("failed", FailedJobRegistry)]
)
def test_expired_jobs_are_not_counted(
    read: ReadQueues,
    queue: Queue,
    redis_client: Redis,
    status: str,
    registry: type[FinishedJobRegistry] | type[FailedJobRegistry],
) -> None:
    """Nor removed, because readers never write. Scores below 0 and +inf never expire."""
    redis_client.sadd("rq:queues", queue.key)
    key, now = registry(queue=queue).key, time.time()
    expired = {"expired-1": now - 1, "expired-2": now - 86400, "expired-3": 0}
    kept = {"later": now + 60, "never": math.inf, "never-either": -5}
    redis_client.zadd(key, {**expired, **kept, "much-later": now + 1e6})
    before = _everything(redis_client)

    assert read()["mail"].jobs[status] == 4
    assert _everything(redis_client) == before


def test_cancelled_jobs_are_counted(read: ReadQueues, queue: Queue) -> None:
    for job in [queue.enqueue(jobs.succeed) for _ in range(5)][:3]:
        job.cancel()

    assert read()["mail"].jobs["canceled"] == 3
    assert read()["mail"].jobs["queued"] == 2


def test_stuck_started_and_overdue_scheduled_jobs_are_counted(read: ReadQueues, queue: Queue) -> None:
    with queue.connection.pipeline() as pipe:
        started = [Execution.create(queue.enqueue(jobs.succeed), ttl=60, pipeline=pipe) for _ in range(3)]
        over = {execution.composite_key: time.time() - 1 for execution in started[:2]}
        pipe.zadd(queue.started_job_registry.key, over)
        pipe.execute()
    for hours in (1, -1, -2):
        queue.enqueue_in(timedelta(hours=hours), jobs.succeed)

    found = read()["mail"]

    assert (found.jobs["started"], found.stuck) == (3, 2)
    assert (found.jobs["scheduled"], found.overdue) == (3, 2)


def test_only_a_registry_with_a_foreign_type_is_unknown(
    read: ReadQueues, queue: Queue, redis_client: Redis, errors: Errors
) -> None:
    Job.fetch(queue.enqueue(jobs.succeed).id, connection=redis_client).cancel()
    redis_client.set(FinishedJobRegistry(queue=queue).key, "a string")

    assert read()["mail"].jobs == {
        "queued": 0, "started": 0, "finished": None, "failed": 0,
        "deferred": 0, "scheduled": 0, "canceled": 1, "rate_limited": 0,
    }  # fmt: skip
    assert errors.counts()["queues"] == 2

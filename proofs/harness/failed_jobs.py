"""Thousands of failed jobs: copies of a real one."""

from __future__ import annotations

import uuid
from typing import Any

from redis import Redis
from rq import Queue

JOBS_AT_ONCE = 1000
FAIL = "proofs.harness.failed_jobs.fail"


def fail(*_: object) -> None:
    raise ValueError("no such order")


def fail_jobs(client: Redis, function: str = FAIL, queue: str = "mail", jobs: int = 1) -> list[str]:
    """Let one job fail in RQ, copy everything that RQ stores about it, and return the ids of all of them.

    Args:
        client: the Redis to fill.
        function: dotted path of a function that raises or does not exist.
        queue: the queue of the jobs.
        jobs: the number of failed jobs, the real one included.
    """
    rq_queue = Queue(queue, connection=client, is_async=False)
    first = rq_queue.enqueue(function)
    connection: Any = client
    stored = connection.hgetall(first.key)
    ((_, result),) = connection.xrange(f"rq:results:{first.id}")
    score = connection.zscore(rq_queue.failed_job_registry.key, first.id)
    ids = [str(uuid.uuid4()) for _ in range(jobs - 1)]
    for start in range(0, len(ids), JOBS_AT_ONCE):
        with connection.pipeline(transaction=False) as pipeline:
            for job_id in ids[start : start + JOBS_AT_ONCE]:
                pipeline.hset(f"rq:job:{job_id}", mapping=stored)
                pipeline.xadd(f"rq:results:{job_id}", result)
                pipeline.zadd(rq_queue.failed_job_registry.key, {job_id: score})
            pipeline.execute()
    return [first.id, *ids]

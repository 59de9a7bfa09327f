"""Checked jobs that are not written yet, and the transaction that writes all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.utils import now


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job and its queue."""

    job: Job
    queue: Queue
    due: datetime | None = None
    """When RQ's scheduler enqueues it; None: at once."""


def write_jobs(connection: Redis, new_jobs: Sequence[NewJob]) -> list[Job]:
    """Write the jobs in the given order, and return them.

    RQ itself uses two transactions to enqueue a job, and RQ 2 writes a delayed job's date outside any.
    """
    pushed: dict[str, list[str]] = {}
    dates: dict[str, dict[str, int]] = {}
    with connection.pipeline() as pipeline:
        for new in new_jobs:
            if new.due is None:
                new.job.enqueued_at = now()
                pushed.setdefault(new.queue.key, []).append(new.job.id)
            else:
                key = new.queue.scheduled_job_registry.key
                dates.setdefault(key, {})[new.job.id] = int(new.due.timestamp())
            new.job.save(pipeline=pipeline)
        if new_jobs:
            pipeline.sadd(Queue.redis_queues_keys, *{new.queue.key for new in new_jobs})
        for key, job_ids in pushed.items():
            pipeline.rpush(key, *job_ids)
        for key, by_id in dates.items():
            pipeline.zadd(key, by_id)
        pipeline.execute()
    return [new.job for new in new_jobs]


def check_keys(connection: Any, new_jobs: Sequence[NewJob]) -> None:
    """Check the types of the queues' keys first: Redis does not roll back a transaction.

    Raises:
        ValueError: a key has a wrong type; the message has it.
    """
    expected = {Queue.redis_queues_keys: b"set"}
    for new in new_jobs:
        if new.due is None:
            expected[new.queue.key] = b"list"
        else:
            expected[new.queue.scheduled_job_registry.key] = b"zset"
    with connection.pipeline(transaction=False) as reads:
        for key in expected:
            reads.type(key)
        for (key, kind), found in zip(expected.items(), reads.execute(), strict=True):
            if found not in (kind, b"none"):
                raise ValueError(
                    f"queue_name: expected a {kind.decode()} in Redis at {key}, got a {found.decode()}"
                )

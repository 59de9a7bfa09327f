"""Count the jobs of a queue by their state, and delete them for good, without holding Redis up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal, get_args

from redis import Redis
from rq import Queue
from rq.registry import BaseRegistry

from rq_mon.jobs.deletion import DELETE_JOB, key_prefixes, release

QueueState = Literal["queued", "failed", "scheduled"]
QUEUE_STATES: tuple[QueueState, ...] = get_args(QueueState)

RestingState = QueueState | Literal["finished", "deferred", "canceled"]
RESTING_STATES: tuple[RestingState, ...] = (*QUEUE_STATES, "finished", "deferred", "canceled")
"""All but started: no worker is at the job."""

_EXPIRING: tuple[RestingState, ...] = ("finished", "failed")
"""RQ keeps their ids by the time when they expire, and removes those that have when a worker comes."""

JOBS_PER_BATCH = 100
"""Redis answers nobody else while one batch is deleted."""

# Taking a job out of its list and deleting it is one step: no worker starts a half-deleted job, and a job
# that somebody requeues just now is either deleted or left alone.
_TAKE_AND_DELETE = f"""
{DELETE_JOB}
local ids = {{}}
if redis.call('TYPE', KEYS[1]).ok == 'list' then
    ids = redis.call('LPOP', KEYS[1], ARGV[1]) or {{}}
else
    ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
    if #ids > 0 then redis.call('ZREM', KEYS[1], unpack(ids)) end
end
local limits = {{}}
for _, id in ipairs(ids) do
    limits[#limits + 1] = delete_job(id, unpack(ARGV, 2))
end
return {{#ids, limits}}
"""


def count_jobs(queue: Queue, state: RestingState) -> int:
    """Return how many jobs of `queue` are in `state`; writes nothing, and leaves out what has expired."""
    redis, key = queue.connection, _holder(queue, state).key
    held: Any = redis.llen(key) if state == "queued" else redis.zcard(key)
    expired: Any = redis.zcount(key, 0, time.time()) if state in _EXPIRING else 0
    return int(held - expired)


def purge_jobs(queue: Queue, state: RestingState) -> int:
    """Delete all jobs of `queue` that are in `state`, with their results, and return how many there were."""
    return sum(purge_in_batches(queue, state))


def purge_in_batches(queue: Queue, state: RestingState, at_most: int | None = None) -> Iterator[int]:
    """Delete jobs as `purge_jobs` does, and tell after each batch how many it had.

    In the end the rate limits of RQ 3 enqueue as many jobs as they have let go.

    Args:
        queue: whose jobs.
        state: that they are in.
        at_most: how many, the oldest first; None until none is left, which may be never if jobs keep coming.
    """
    key, left = _holder(queue, state).key, at_most
    limits: set[bytes] = set()
    if state in _EXPIRING:
        queue.connection.zremrangebyscore(key, 0, time.time())
    try:
        while left is None or left > 0:
            size = JOBS_PER_BATCH if left is None else min(left, JOBS_PER_BATCH)
            purged, released = _purge_batch(queue.connection, key, size)
            limits.update(released)
            if not purged:
                return
            left = None if left is None else left - purged
            yield purged
    finally:  # not sooner: what a rate limit enqueues into this queue was not there when the user emptied it
        release(queue.connection, limits)


def _holder(queue: Queue, state: RestingState) -> Queue | BaseRegistry:
    """Return what holds the ids of the jobs in a state."""
    holders: dict[RestingState, Queue | BaseRegistry] = {
        "queued": queue,
        "failed": queue.failed_job_registry,
        "scheduled": queue.scheduled_job_registry,
        "finished": queue.finished_job_registry,
        "deferred": queue.deferred_job_registry,
        "canceled": queue.canceled_job_registry,
    }
    return holders[state]


def _purge_batch(connection: Redis, key: str, size: int) -> tuple[int, list[bytes]]:
    """Return how many jobs were deleted, and the rate limits that have free places now."""
    script = connection.register_script(_TAKE_AND_DELETE)
    number, limits = script(keys=[key], args=[size, *key_prefixes()])
    return int(number), limits

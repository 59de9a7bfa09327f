"""Counts the jobs of a queue in a state, and deletes them for good, without blocking Redis."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, Literal, get_args

from rq import Queue
from rq.registry import BaseRegistry

from rq_mon.changes import COUNT_CHANGES
from rq_mon.jobs.deletion import DELETE_JOB, key_prefixes, release
from rq_mon.state.rate_limits import RATE_LIMITED, held_back_of

QueueState = Literal["queued", "failed", "scheduled"]
QUEUE_STATES: tuple[QueueState, ...] = get_args(QueueState)

ListedState = QueueState | Literal["finished", "deferred", "canceled"]
LISTED_STATES: tuple[ListedState, ...] = (*QUEUE_STATES, "finished", "deferred", "canceled")
"""All states but started, in which no worker has the job. Each has a list or registry of the queue."""

RestingState = ListedState | Literal["rate_limited"]
RESTING_STATES: tuple[RestingState, ...] = (*LISTED_STATES, "rate_limited")
"""Plus jobs that RQ 3 holds back: they are in no list of the queue, but in one of their rate limit."""

_EXPIRING: tuple[ListedState, ...] = ("finished", "failed")
"""RQ sorts their ids by expiry, and removes expired ids when a worker comes."""

JOBS_PER_BATCH = 100
"""Jobs per batch: Redis serves no other client while it deletes one."""

# Taking a job out of its list and deleting it is one step: no worker starts a half-deleted job, and a job
# that is requeued at the same time is either deleted or left alone.
_TAKE_AND_DELETE = f"""
{COUNT_CHANGES}
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
    limits[#limits + 1] = delete_job(id, unpack(ARGV, 3))
end
if ARGV[2] == '1' then count_changes('purge', #ids) end
return {{#ids, limits}}
"""

# A rate limit may hold back jobs of several queues, and release one at any moment.
_TAKE_AND_DELETE_HELD_BACK = f"""
{COUNT_CHANGES}
{DELETE_JOB}
local queue, is_counted, jobs = ARGV[1], ARGV[2] == '1', ARGV[3]
local number, limits = 0, {{}}
for i = 7, #ARGV do
    local job = redis.pcall('HMGET', jobs .. ARGV[i], 'origin', 'status')
    if job[1] == queue and job[2] == '{RATE_LIMITED}' and redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
        number = number + 1
        limits[#limits + 1] = delete_job(ARGV[i], unpack(ARGV, 3, 6))
    end
end
if is_counted then count_changes('purge', number) end
return {{number, limits}}
"""


def count_jobs(queue: Queue, state: RestingState) -> int:
    """Return how many jobs of `queue` are in `state`, without expired ones; writes nothing."""
    if state == "rate_limited":
        return sum(len(ids) for _, ids in held_back_of(queue.connection, _raw_name(queue)))
    redis, key = queue.connection, _holder(queue, state).key
    held: Any = redis.llen(key) if state == "queued" else redis.zcard(key)
    expired: Any = redis.zcount(key, 0, time.time()) if state in _EXPIRING else 0
    return int(held - expired)


def purge_jobs(queue: Queue, state: RestingState) -> int:
    """Delete all jobs of `queue` in `state`, with their results, and return their number."""
    return sum(purge_in_batches(queue, state))


def purge_in_batches(
    queue: Queue, state: RestingState, at_most: int | None = None, *, by_operator: bool = False
) -> Iterator[int]:
    """Delete jobs as `purge_jobs` does, and yield the number of each batch.

    At the end, rate limits of RQ 3 enqueue as many held-back jobs as places were freed.

    Args:
        queue: the queue of the jobs.
        state: their state.
        at_most: how many, the oldest first. None: until none is left, which may never be if jobs keep coming.
        by_operator: whether a person does it; then it is counted.
    """
    limits: set[bytes] = set()
    left = math.inf if at_most is None else at_most
    batches = (
        _held_back_batches(queue, left, by_operator)
        if state == "rate_limited"
        else _listed_batches(queue, state, left, by_operator)
    )
    try:
        for purged, freed in batches:
            limits.update(freed)
            yield purged
    finally:  # only now: jobs that a rate limit enqueues here were not in the queue when the user emptied it
        release(queue.connection, limits)


Batches = Iterator[tuple[int, list[bytes]]]
"""Yield the number of deleted jobs of each batch, and the rate limits in which it freed places."""


def _listed_batches(queue: Queue, state: ListedState, left: float, by_operator: bool) -> Batches:
    redis, key = queue.connection, _holder(queue, state).key
    script = redis.register_script(_TAKE_AND_DELETE)
    if state in _EXPIRING:
        redis.zremrangebyscore(key, 0, time.time())
    while left > 0:
        size = int(min(left, JOBS_PER_BATCH))
        number, limits = script(keys=[key], args=[size, int(by_operator), *key_prefixes()])
        if not number:
            return
        left -= number
        yield number, limits


def _held_back_batches(queue: Queue, left: float, by_operator: bool) -> Batches:
    script, name = queue.connection.register_script(_TAKE_AND_DELETE_HELD_BACK), _raw_name(queue)
    for key, ids in held_back_of(queue.connection, name):
        for start in range(0, len(ids), JOBS_PER_BATCH):
            batch = ids[start : start + JOBS_PER_BATCH][: int(min(left, JOBS_PER_BATCH))]
            number, limits = script(keys=[key], args=[name, int(by_operator), *key_prefixes(), *batch])
            left -= number
            yield number, limits
        if left <= 0:
            return


def _holder(queue: Queue, state: ListedState) -> Queue | BaseRegistry:
    """Return the key that holds the ids of the jobs in a state."""
    holders: dict[ListedState, Queue | BaseRegistry] = {
        "queued": queue,
        "failed": queue.failed_job_registry,
        "scheduled": queue.scheduled_job_registry,
        "finished": queue.finished_job_registry,
        "deferred": queue.deferred_job_registry,
        "canceled": queue.canceled_job_registry,
    }
    return holders[state]


def _raw_name(queue: Queue) -> bytes:
    return queue.name.encode(errors="surrogateescape")

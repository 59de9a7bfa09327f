"""Count the jobs of a queue by their state, and delete them for good, without holding Redis up."""

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
"""All but started: no worker is at the job. Each has a list or registry of the queue."""

RestingState = ListedState | Literal["rate_limited"]
RESTING_STATES: tuple[RestingState, ...] = (*LISTED_STATES, "rate_limited")
"""And those that RQ 3 holds back: in no list of the queue, but in one of their rate limit."""

_EXPIRING: tuple[ListedState, ...] = ("finished", "failed")
"""RQ keeps their ids by the time when they expire, and removes those that have when a worker comes."""

JOBS_PER_BATCH = 100
"""Redis answers no one else while it deletes one batch."""

# Taking a job out of its list and deleting it is one step: no worker starts a half-deleted job, and a job
# that someone requeues just now is either deleted or left alone.
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

# A rate limit may hold back jobs of several queues, and let one go at any moment.
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
    """Return how many jobs of `queue` are in `state`; writes nothing, and leaves out what has expired."""
    if state == "rate_limited":
        return sum(len(ids) for _, ids in held_back_of(queue.connection, _raw_name(queue)))
    redis, key = queue.connection, _holder(queue, state).key
    held: Any = redis.llen(key) if state == "queued" else redis.zcard(key)
    expired: Any = redis.zcount(key, 0, time.time()) if state in _EXPIRING else 0
    return int(held - expired)


def purge_jobs(queue: Queue, state: RestingState) -> int:
    """Delete all jobs of `queue` that are in `state`, with their results, and return how many there were."""
    return sum(purge_in_batches(queue, state))


def purge_in_batches(
    queue: Queue, state: RestingState, at_most: int | None = None, *, by_operator: bool = False
) -> Iterator[int]:
    """Delete jobs as `purge_jobs` does, and tell after each batch how many it had.

    In the end the rate limits of RQ 3 enqueue as many jobs as they have let go.

    Args:
        queue: whose jobs.
        state: that they are in.
        at_most: how many, the oldest first; None until none is left, which may be never if jobs keep coming.
        by_operator: whether a person does it, whose changes are counted.
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
    finally:  # not sooner: what a rate limit enqueues into this queue was not there when the user emptied it
        release(queue.connection, limits)


Batches = Iterator[tuple[int, list[bytes]]]
"""How many jobs each has deleted, and the rate limits in which that has freed places."""


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
    """Return what holds the ids of the jobs in a state."""
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

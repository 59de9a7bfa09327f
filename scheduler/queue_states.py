"""Count the jobs of a queue by their state, and delete them for good, without holding Redis up."""

from __future__ import annotations

from typing import Literal, get_args

from redis import Redis
from rq import Queue
from rq.executions import ExecutionRegistry
from rq.job import Job
from rq.registry import BaseRegistry
from rq.results import Result

QueueState = Literal["queued", "failed", "scheduled"]
QUEUE_STATES: tuple[QueueState, ...] = get_args(QueueState)

JOBS_PER_BATCH = 500
"""Redis answers nobody else while one batch is deleted."""

# Taking a job out of its list and deleting it is one step: no worker starts a half-deleted job, and a job
# that somebody requeues just now is either deleted or left alone.
_TAKE_AND_DELETE = """
local ids = {}
if redis.call('TYPE', KEYS[1]).ok == 'list' then
    ids = redis.call('LPOP', KEYS[1], ARGV[1]) or {}
else
    ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
    if #ids > 0 then redis.call('ZREM', KEYS[1], unpack(ids)) end
end
for _, id in ipairs(ids) do
    redis.call('DEL', ARGV[2] .. id, ARGV[2] .. id .. ':dependents', ARGV[2] .. ':' .. id .. ':dependencies')
    redis.call('DEL', ARGV[3] .. id, ARGV[4] .. id)
end
return #ids
"""


def count_jobs(queue: Queue, state: QueueState) -> int:
    """Return how many jobs of `queue` are in `state`."""
    return len(_holder(queue, state))


def purge_jobs(queue: Queue, state: QueueState) -> int:
    """Delete all jobs of `queue` that are in `state`, with their results, and return how many there were."""
    key = _holder(queue, state).key
    total = 0
    while purged := _purge_batch(queue.connection, key):
        total += purged
    return total


def _holder(queue: Queue, state: QueueState) -> Queue | BaseRegistry:
    """Return what holds the ids of the jobs in a state."""
    holders: dict[QueueState, Queue | BaseRegistry] = {
        "queued": queue,
        "failed": queue.failed_job_registry,
        "scheduled": queue.scheduled_job_registry,
    }
    return holders[state]


def _purge_batch(connection: Redis, key: str) -> int:
    prefixes = (
        Job.redis_job_namespace_prefix,
        Result.get_key(""),  # type: ignore[no-untyped-call]
        ExecutionRegistry.key_template.format(""),
    )
    return int(connection.register_script(_TAKE_AND_DELETE)(keys=[key], args=[JOBS_PER_BATCH, *prefixes]))

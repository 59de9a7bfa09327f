"""Lua functions that delete all data of a job, for scripts that do more in the same step."""

from __future__ import annotations

from collections.abc import Iterable

from redis import Redis
from rq import Queue
from rq.executions import ExecutionRegistry
from rq.group import Group
from rq.job import Job
from rq.results import Result
from rq.utils import now, utcformat

# In RQ 3, a running job keeps its place in a rate limit, even if it is deleted.
# pcall: a key of a wrong type must not end a script that has already taken jobs out of their queue.
DELETE_JOB = """
local function delete_job(id, jobs, results, executions, groups)
    local group, limit = unpack(redis.pcall('HMGET', jobs .. id, 'group_id', 'rate_limit_key'))
    if group then redis.pcall('SREM', groups .. group, id) end
    redis.call('DEL', jobs .. id, jobs .. id .. ':dependents', jobs .. ':' .. id .. ':dependencies')
    redis.call('DEL', results .. id)
    if not limit then
        redis.call('DEL', executions .. id)
        return nil
    end
    redis.pcall('ZREM', 'rq:rl:' .. limit .. ':rate_limited', id)
    local now = redis.call('TIME')[1]
    local live = redis.pcall('ZCOUNT', executions .. id, '(' .. now, '+inf')
    if type(live) == 'number' and live > 0 then return nil end
    redis.call('DEL', executions .. id)
    if redis.pcall('ZREM', 'rq:rl:' .. limit .. ':allowed', id) == 1 then return limit end
end
"""
"""Lua: `delete_job(id, ...)` deletes a job's hash and its other keys; `key_prefixes` are the arguments.

It returns the rate limit in which this freed a place: see `release`.
"""

# As RQ 3 does when a job ends. Written here so that it also works for jobs of RQ 3 where RQ 2 is installed.
_RELEASE = """
local limit = KEYS[1]
local now, queues, jobs = unpack(ARGV)
local concurrency = tonumber(redis.call('HGET', limit, 'concurrency') or '') or 0
while redis.call('ZCARD', limit .. ':allowed') < concurrency do
    local id = redis.call('ZPOPMIN', limit .. ':rate_limited')[1]
    if not id then break end
    local job = redis.pcall('HMGET', jobs .. id, 'origin', 'status', 'enqueue_at_front')
    local origin, status, front = unpack(job)
    if origin and status == 'rate_limited' then
        redis.call('ZADD', limit .. ':allowed', redis.call('TIME')[1], id)
        redis.call(front == '1' and 'LPUSH' or 'RPUSH', queues .. origin, id)
        redis.call('HSET', jobs .. id, 'status', 'queued', 'enqueued_at', now)
    end
end
"""


def key_prefixes() -> tuple[str, str, str, str]:
    """Return the prefixes of the keys of jobs, results, executions and groups."""
    return (
        Job.redis_job_namespace_prefix,
        Result.get_key(""),  # type: ignore[no-untyped-call]
        ExecutionRegistry.key_template.format(""),
        Group.get_key(""),
    )


def release(connection: Redis, limits: Iterable[bytes]) -> None:
    """Enqueue held-back jobs, the oldest first, where their rate limit has a free place."""
    script = connection.register_script(_RELEASE)
    for limit in limits:
        arguments = (utcformat(now()), Queue.redis_queue_namespace_prefix, Job.redis_job_namespace_prefix)
        script(keys=[b"rq:rl:" + limit], args=arguments)

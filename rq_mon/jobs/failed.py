"""Requeues and deletes failed jobs: a page at a time, each page in one step.

Whenever this process dies, each job is either still failed or completely done. Jobs that another program
requeued, deleted or ran since they were read are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from redis import Redis
from rq import Queue
from rq.job import JobStatus

from rq_mon.changes import COUNT_CHANGES
from rq_mon.jobs.deletion import DELETE_JOB, key_prefixes, release
from rq_mon.state.failed_jobs import FailedJob, registry_key

Change = Literal["requeue", "delete"]
PAST: dict[Change, str] = {"requeue": "requeued", "delete": "deleted"}

Result = Literal["done", "gone", "changed", "rate-limited", "blocked"]
"""`gone`: only the job's id was left in the registry; it was removed. `changed`: no longer failed, or failed
again. `rate-limited`: only RQ 3 can requeue it, see `rq requeue`. `blocked`: the key of its queue, or of all
queues, has the wrong type.
"""
RESULTS: tuple[Result, ...] = get_args(Result)

Changer = Callable[[Redis, str, Sequence[FailedJob]], Counter[Result]]

LONGEST_TTL = 2**40
"""Seconds: Redis refuses a longer time to live."""

_LOOK = f"""
local function outcome_of(failed, jobs, results, id, failure_id)
    if not redis.call('ZSCORE', failed, id) then return 'changed' end
    local kind = redis.call('TYPE', jobs .. id).ok
    if kind ~= 'hash' and kind ~= 'none' then return 'changed' end
    local status = redis.call('HGET', jobs .. id, 'status')
    if not status then
        redis.call('ZREM', failed, id)
        return 'gone'
    end
    if status ~= '{JobStatus.FAILED.value}' and status ~= '{JobStatus.STOPPED.value}' then
        return 'changed'
    end
    local last = redis.pcall('XREVRANGE', results .. id, '+', '-', 'COUNT', 1)[1]
    if (last and last[1] or '') ~= failure_id then return 'changed' end
    return 'done'
end
"""

# Like RQ's own requeue(), but in one step: RQ removes the job from the registry first and enqueues it later,
# and loses it if it is killed in between. The expiry of a failed job must not hit it while it waits.
_REQUEUE = f"""
{COUNT_CHANGES}
{_LOOK}
local failed, queue, queues = unpack(KEYS)
local jobs, results, name, now, default_timeout = unpack(ARGV, 1, 5)
local function holds(key, kind)
    local found = redis.call('TYPE', key).ok
    return found == kind or found == 'none'
end
local is_blocked = not (holds(queue, 'list') and holds(queues, 'set'))
local outcomes, done = {{}}, 0
for i = 6, #ARGV, 2 do
    local id, job = ARGV[i], jobs .. ARGV[i]
    local outcome = outcome_of(failed, jobs, results, id, ARGV[i + 1])
    if outcome == 'done' and redis.call('HEXISTS', job, 'rate_limit_key') == 1 then
        outcome = 'rate-limited'
    end
    if outcome == 'done' and is_blocked then outcome = 'blocked' end
    if outcome == 'done' then
        redis.call('RPUSH', queue, id)
        local ttl = math.ceil(tonumber(redis.call('HGET', job, 'ttl') or '') or 0)
        redis.call('HSET', job, 'status', '{JobStatus.QUEUED.value}', 'origin', name, 'enqueued_at', now,
            'started_at', '', 'ended_at', '')
        redis.call('HDEL', job, 'exc_info')
        redis.call('HSETNX', job, 'timeout', default_timeout)
        if ttl > 0 and ttl < {LONGEST_TTL} then
            redis.call('EXPIRE', job, ttl)
        else
            redis.call('PERSIST', job)
        end
        redis.call('ZREM', failed, id)
        redis.call('SADD', queues, queue)
        done = done + 1
    end
    outcomes[#outcomes + 1] = outcome
end
count_changes('requeue', done)
return outcomes
"""

_DELETE = f"""
{COUNT_CHANGES}
{_LOOK}
{DELETE_JOB}
local failed = KEYS[1]
local jobs, results, executions, groups = unpack(ARGV, 1, 4)
local outcomes, limits, done = {{}}, {{}}, 0
for i = 5, #ARGV, 2 do
    local outcome = outcome_of(failed, jobs, results, ARGV[i], ARGV[i + 1])
    if outcome == 'done' then
        redis.call('ZREM', failed, ARGV[i])
        limits[#limits + 1] = delete_job(ARGV[i], jobs, results, executions, groups)
        done = done + 1
    end
    outcomes[#outcomes + 1] = outcome
end
count_changes('delete', done)
return {{outcomes, limits}}
"""


def requeue(connection: Redis, queue: str, jobs: Sequence[FailedJob]) -> Counter[Result]:
    """Put failed jobs back at the end of their queue, and count the results."""
    name = queue.encode(errors="surrogateescape")
    queue_key = Queue.redis_queue_namespace_prefix.encode() + name
    jobs_prefix, results_prefix, *_ = key_prefixes()
    return _counted(
        connection.register_script(_REQUEUE)(
            keys=[registry_key(queue), queue_key, Queue.redis_queues_keys],
            args=[jobs_prefix, results_prefix, name, _now(), Queue.DEFAULT_TIMEOUT, *_named(jobs)],
        )
    )


def delete(connection: Redis, queue: str, jobs: Sequence[FailedJob]) -> Counter[Result]:
    """Delete failed jobs of a queue for good, with their results, and count the outcomes."""
    script = connection.register_script(_DELETE)
    outcomes, limits = script(keys=[registry_key(queue)], args=[*key_prefixes(), *_named(jobs)])
    release(connection, set(limits))
    return _counted(outcomes)


CHANGES: dict[Change, Changer] = {"requeue": requeue, "delete": delete}


def _named(jobs: Sequence[FailedJob]) -> list[bytes | str]:
    pairs = ((job.id.encode(errors="surrogateescape"), job.failure_id) for job in jobs)
    return [part for pair in pairs for part in pair]


def _counted(outcomes: Any) -> Counter[Result]:
    return Counter(outcome.decode() for outcome in outcomes)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

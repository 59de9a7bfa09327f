"""The Lua scripts that write job metrics: one when an execution starts and one when it ends.

Each is sent as text in the transaction in which RQ records the same event. EVALSHA would fail that
transaction, and so the job, after a restart of Redis, which forgets scripts.

An error in a script is counted and returned as text, and does not fail the transaction: metrics must never
break a job.
"""

from __future__ import annotations

from rq_mon.catalogue import (
    COUNTED_KEY_PREFIX,
    FUNCTIONS_KEY_PREFIX,
    JOB_EXCEPTION_FIELD,
    JOB_FUNCTION_FIELD,
    MONITORED_QUEUES_KEY,
    OTHER,
    WAITS_KEY_PREFIX,
    WRITE_ERRORS_KEY,
)
from rq_mon.series import EXCEPTIONS, EXPIRED


def _guarded(record: str) -> bytes:
    """Return `record` as a script, without indentation: Redis hashes the whole text for every call."""
    script = f"""
local call = redis.call
local function record()
{record}
end
local recorded, problem = pcall(record)
if recorded then return false end
local message = type(problem) == 'table' and problem.err or tostring(problem)
redis.pcall('HINCRBY', '{WRITE_ERRORS_KEY}', string.match(message, '^%-?(%u+)') or 'ERR', 1)
return message
"""
    return "\n".join(line.strip() for line in script.splitlines() if line.strip()).encode()


RECORD_START = _guarded(
    f"""
local running, waits, job = unpack(KEYS)
local execution, description, name, bucket, microseconds, now = unpack(ARGV)
if name == '' then call('HDEL', job, '{JOB_FUNCTION_FIELD}')
elseif call('EXISTS', job) == 1 then call('HSET', job, '{JOB_FUNCTION_FIELD}', name) end
if call('HSET', running, execution, description) == 0 or bucket == '' then return end
if call('HINCRBY', waits, 'count', 1) == 1 then
  call('SADD', '{MONITORED_QUEUES_KEY}', string.sub(waits, {len(WAITS_KEY_PREFIX) + 1}))
end
call('HINCRBY', waits, 'microseconds', microseconds)
call('HINCRBY', waits, 'le:' .. bucket, 1)
call('HSET', waits, 'written', now)
"""
)
"""Lists an execution as running, counts its job's wait once, and stores the job's name in its hash."""

NOTE_END = _guarded(
    f"""
local job, name, exception = KEYS[1], unpack(ARGV)
if call('EXISTS', job) == 0 then return end
if name ~= '' then call('HSET', job, '{JOB_FUNCTION_FIELD}', name) end
if exception ~= '' then
  call('HSET', job, '{JOB_EXCEPTION_FIELD}', (call('HGET', job, 'started_at') or '') .. ' ' .. exception)
end
"""
)
"""Stores in a job's hash how its end was counted; RQ deletes it with the job."""


RECORD_EXPIRED = _guarded(
    f"""
local waits, number, now = KEYS[1], unpack(ARGV)
if call('HINCRBY', waits, '{EXPIRED}', number) == tonumber(number) then
  call('SADD', '{MONITORED_QUEUES_KEY}', string.sub(waits, {len(WAITS_KEY_PREFIX) + 1}))
end
call('HSET', waits, 'written', now)
"""
)
"""Counts jobs that expired before they were started, and their number of waits."""


RECORDED_AGAIN_WITHIN = 300
"""Seconds within which redis-py repeats a transaction, and RQ notices a dead work horse."""

ABANDONED_ENDS_WITHIN = 86400
"""Seconds within which an execution that was given up for dead may still end."""


def record_end_script(max_functions: int, max_exceptions: int, *, timed: bool, failed: bool) -> bytes:
    """Takes an execution off the list of running ones, and counts its end unless that was done before.

    A function beyond `max_functions` of the queue counts as `other`, as does an exception class beyond
    `max_exceptions` of the function. The script contains only the parts that an end needs: longer text costs
    more to send and to hash.

    Args:
        max_functions: functions of a queue that get their own series.
        max_exceptions: exception classes of a function that get their own series.
        timed: whether the run time is known: then bucket, microseconds and exemplar are arguments, too.
        failed: whether there was an exception: then its class is the last argument.
    """
    counts = f"""
local running, counted, functions, jobs, other_jobs = unpack(KEYS)
local name, outcome, now, bucket, microseconds, exemplar = unpack(ARGV)
local execution = string.sub(counted, {len(COUNTED_KEY_PREFIX) + 1})
if execution ~= '' then
  if call('HDEL', running, execution) == 0 and call('EXISTS', counted) == 1 then return end
  local seconds = outcome == 'abandoned' and {ABANDONED_ENDS_WITHIN} or {RECORDED_AGAIN_WITHIN}
  call('SET', counted, 1, 'EX', seconds)
end
if call('SISMEMBER', functions, name) == 0 then
  if call('SCARD', functions) >= {max_functions} then name, jobs = '{OTHER}', other_jobs end
  call('SADD', functions, name)
  call('SADD', '{MONITORED_QUEUES_KEY}', string.sub(functions, {len(FUNCTIONS_KEY_PREFIX) + 1}))
end
call('HINCRBY', jobs, outcome .. ':count', 1)
call('HSET', jobs, outcome .. ':written', now)
"""
    return _guarded(
        counts + (COUNT_RUN_TIME if timed else "") + (_count_exception(max_exceptions) if failed else "")
    )


COUNT_RUN_TIME = """
call('HINCRBY', jobs, outcome .. ':microseconds', microseconds)
call('HINCRBY', jobs, outcome .. ':le:' .. bucket, 1)
call('HSET', jobs, outcome .. ':exemplar:' .. bucket, exemplar)
"""


def _count_exception(most: int) -> str:
    return f"""
local exception, count = ARGV[#ARGV], '{EXCEPTIONS}:count:'
if call('HEXISTS', jobs, count .. exception) == 0 then
  local classes = 0
  for _, field in ipairs(call('HKEYS', jobs)) do
    if string.find(field, count, 1, true) == 1 then classes = classes + 1 end
  end
  if classes >= {most} then exception = '{OTHER}' end
end
call('HINCRBY', jobs, count .. exception, 1)
call('HSET', jobs, '{EXCEPTIONS}:written:' .. exception, now)
"""

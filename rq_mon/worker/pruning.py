"""Deletes job metrics that no worker writes any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from redis import Redis
from redis.exceptions import ResponseError

from rq_mon.catalogue import MONITORED_QUEUES_KEY
from rq_mon.changes import COUNT_CHANGES
from rq_mon.series import EXCEPTIONS, functions_key, jobs_key, running_key, waits_key
from rq_mon.worker.abandoned import lost_executions

DEFAULT_DAYS = 30
DAY = 86400

# Scripts, because workers keep writing: checking and deleting a series must be one step.

PRUNE_JOBS = f"""
{COUNT_CHANGES}
local functions, jobs = KEYS[1], KEYS[2]
local name, cutoff, is_dry = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local function series_of(field)
  local exception = string.match(field, '^{EXCEPTIONS}:%l+:(.*)$')
  return exception and '{EXCEPTIONS}:' .. exception or string.match(field, '^%l+')
end
local function tells_when(field)
  return string.find(field, '^%l+:written$') or string.find(field, '^{EXCEPTIONS}:written:')
end
local fields, stale, removed = redis.call('HKEYS', jobs), {{}}, {{}}
for _, field in ipairs(fields) do
  if tells_when(field) then
    local written = tonumber(redis.call('HGET', jobs, field))
    if not written then return redis.error_reply('ERR ' .. field .. ' is not a number') end
    if written < cutoff then
      stale[series_of(field)] = true
      removed[#removed + 1] = series_of(field)
    end
  end
end
if is_dry then return removed end
for _, field in ipairs(fields) do
  if stale[series_of(field)] then redis.call('HDEL', jobs, field) end
end
if redis.call('EXISTS', jobs) == 0 then redis.call('SREM', functions, name) end
count_changes('prune', #removed)
return removed
"""
"""Deletes outcomes and exceptions of a function that were last written before the cutoff; in a dry run it
only names them.
"""

PRUNE_QUEUE = f"""
{COUNT_CHANGES}
local waits, functions, running, queues = unpack(KEYS)
local queue, cutoff, is_dry = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local written = redis.call('HGET', waits, 'written')
if written and not tonumber(written) then return redis.error_reply('ERR written is not a number') end
local is_stale = written and tonumber(written) < cutoff
if is_dry then return is_stale and 1 or 0 end
local removed = is_stale and redis.call('DEL', waits) or 0
if redis.call('EXISTS', waits, functions, running) == 0 then redis.call('SREM', queues, queue) end
count_changes('prune', removed)
return removed
"""
"""Deletes the waits of a queue if they were last written before the cutoff; in a dry run it only says so."""


_DROP_EXECUTION = f"""
{COUNT_CHANGES}
local removed = redis.call('HDEL', KEYS[1], ARGV[1])
count_changes('prune', removed)
return removed
"""


class Pruned(NamedTuple):
    """A deleted series."""

    queue: str
    function: str
    """Function; empty for the waits of the queue."""
    series: str
    """Outcome, `exceptions:<class>`, `waits`, or `running` for executions that no worker will end."""


Report = Callable[[str], None]
"""Called with each key that could not be pruned, and the reason."""

Options = tuple[str, str]
"""The last arguments of the scripts: the cutoff, and 1 in a dry run."""


def prune(
    connection: Redis, unwritten_for: float, report: Report, *, dry_run: bool = False
) -> Iterator[Pruned]:
    """Delete and yield the series that were not written for `unwritten_for` seconds; workers may run.

    Keys with unexpected content are reported and stay unchanged. A dry run reports the same and writes
    nothing.
    """
    options = str(int(time.time() - unwritten_for)), str(int(dry_run))
    for queue in _members(connection, MONITORED_QUEUES_KEY, report):
        for function in _members(connection, functions_key(queue), report):
            for series in _prune_jobs(connection, queue, function, options, report):
                yield Pruned(queue, function, series)
        yield from _prune_running(connection, queue, dry_run, report)
        if _prune_queue(connection, queue, options, report):
            yield Pruned(queue, "", "waits")


@contextmanager
def _reporting(key: str, report: Report) -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        report(f"{key!r}: {error}")


def _members(connection: Redis, key: str, report: Report) -> list[str]:
    members: set[bytes] = set()
    with _reporting(key, report):
        members = cast("set[bytes]", connection.smembers(key))
    names = []
    for member in sorted(members):
        try:
            names.append(member.decode())
        except UnicodeDecodeError:
            report(f"{key!r}: expected names in UTF-8, got {member!r}")
    return names


def _prune_jobs(connection: Redis, queue: str, function: str, options: Options, report: Report) -> list[str]:
    jobs = jobs_key(queue, function)
    removed: list[bytes] = []
    with _reporting(jobs, report):
        answer = connection.eval(PRUNE_JOBS, 2, functions_key(queue), jobs, function, *options)
        removed = cast("list[bytes]", answer)
    return [name.decode(errors="backslashreplace") for name in removed]


def _prune_running(connection: Redis, queue: str, dry_run: bool, report: Report) -> Iterator[Pruned]:
    """Delete executions that lost their worker, in a queue with no worker left to count them."""
    key = running_key(queue)
    with _reporting(key, report):
        for execution_id, job in lost_executions(connection, queue, patient=False).items():
            if dry_run or connection.eval(_DROP_EXECUTION, 1, key, execution_id):
                yield Pruned(queue, job.function, "running")


def _prune_queue(connection: Redis, queue: str, options: Options, report: Report) -> bool:
    keys = waits_key(queue), functions_key(queue), running_key(queue), MONITORED_QUEUES_KEY
    with _reporting(waits_key(queue), report):
        return bool(connection.eval(PRUNE_QUEUE, 4, *keys, queue, *options))
    return False

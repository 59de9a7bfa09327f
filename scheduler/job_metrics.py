"""Removes job metrics that nobody writes any more: `python -m scheduler.job_metrics prune --days 30`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from redis import Redis
from redis.exceptions import RedisError

from scheduler.catalogue import MONITORED_QUEUES_KEY
from scheduler.connection import connect
from scheduler.job_series import EXCEPTIONS, functions_key, jobs_key, running_key, waits_key
from scheduler.settings import Settings, SettingsError

DEFAULT_DAYS = 30
DAY = 86400

# In scripts, because workers write all the while: a series is looked at and removed at once.

PRUNE_JOBS = f"""
local functions, jobs = KEYS[1], KEYS[2]
local name, cutoff = ARGV[1], tonumber(ARGV[2])
local function series_of(field)
  local exception = string.match(field, '^{EXCEPTIONS}:%l+:(.*)$')
  return exception and '{EXCEPTIONS}:' .. exception or string.match(field, '^%l+')
end
local function tells_when(field)
  return string.find(field, '^%l+:written$') or string.find(field, '^{EXCEPTIONS}:written:')
end
local fields, stale, removed = redis.call('HKEYS', jobs), {{}}, {{}}
for _, field in ipairs(fields) do
  if tells_when(field) and tonumber(redis.call('HGET', jobs, field)) < cutoff then
    stale[series_of(field)] = true
    removed[#removed + 1] = series_of(field)
  end
end
for _, field in ipairs(fields) do
  if stale[series_of(field)] then redis.call('HDEL', jobs, field) end
end
if redis.call('EXISTS', jobs) == 0 then redis.call('SREM', functions, name) end
return removed
"""
"""Removes the outcomes and exceptions of a function that were last written before the cutoff."""

PRUNE_QUEUE = """
local waits, functions, running, queues = unpack(KEYS)
local queue, cutoff = ARGV[1], tonumber(ARGV[2])
local written = redis.call('HGET', waits, 'written')
local removed = written and tonumber(written) < cutoff and redis.call('DEL', waits) or 0
if redis.call('EXISTS', waits, functions, running) == 0 then redis.call('SREM', queues, queue) end
return removed
"""
"""Removes the waits of a queue if they were last written before the cutoff."""


class Pruned(NamedTuple):
    """A series that was removed."""

    queue: str
    function: str
    """Empty for the waits of the queue."""
    series: str
    """Outcome, `exceptions:<class>`, or `waits`."""


def prune(connection: Redis, unwritten_for: float) -> Iterator[Pruned]:
    """Remove the series that were not written for so many seconds, and tell which; workers may run."""
    cutoff = str(int(time.time() - unwritten_for))
    for queue in _members(connection, MONITORED_QUEUES_KEY):
        for function in _members(connection, functions_key(queue)):
            for series in _prune_jobs(connection, queue, function, cutoff):
                yield Pruned(queue, function, series)
        if _prune_queue(connection, queue, cutoff):
            yield Pruned(queue, "", "waits")


def _members(connection: Redis, key: str) -> list[str]:
    members = cast("set[bytes]", connection.smembers(key))
    return sorted(member.decode() for member in members)


def _prune_jobs(connection: Redis, queue: str, function: str, cutoff: str) -> list[str]:
    keys = functions_key(queue), jobs_key(queue, function)
    removed = connection.eval(PRUNE_JOBS, 2, *keys, function, cutoff)
    return [name.decode() for name in cast("list[bytes]", removed)]


def _prune_queue(connection: Redis, queue: str, cutoff: str) -> bool:
    keys = waits_key(queue), functions_key(queue), running_key(queue), MONITORED_QUEUES_KEY
    return bool(connection.eval(PRUNE_QUEUE, 4, *keys, queue, cutoff))


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number of days of at least 1, got {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scheduler.job_metrics")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prune", help="remove series of job metrics that nobody writes any more")
    command.add_argument("--days", type=_days, default=DEFAULT_DAYS, help="days without a write; default 30")
    days = parser.parse_args(arguments).days
    try:
        url = Settings.from_environment().redis_url
    except SettingsError as error:
        parser.error(str(error))
    count = 0
    try:
        with connect(url) as connection:
            for count, pruned in enumerate(prune(connection, days * DAY), start=1):  # noqa: B007
                print("removed", *(repr(part) for part in pruned if part))
    except RedisError as error:
        print(f"stopped after {count} series: {error}", file=sys.stderr)
        return 1
    print(f"{count} series removed that were not written for {days} days")
    return 0


if __name__ == "__main__":
    sys.exit(main())

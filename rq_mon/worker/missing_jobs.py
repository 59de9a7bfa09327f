"""Finds deferred and scheduled jobs that expired: their ids stay in the registries.

RQ keeps a deferred id forever, and silently drops a scheduled id when it is due.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job

BATCH = 500

# Atomic, so that two workers never count the same job.
_TAKE_OUT = """
local taken = 0
for place = 2, #KEYS do
    if redis.call('EXISTS', KEYS[place]) == 0 then
        taken = taken + redis.call('ZREM', KEYS[1], ARGV[place - 1])
    end
end
return taken
"""


class MissingJobs:
    """The ids without a job at the last look.

    An id is removed only if its job is missing at two looks in a row, some minutes apart: RQ 2.12 writes a
    scheduled id before its job.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[bytes]] = {}
        """By the key of a registry."""

    def take_out(self, queue: Queue) -> int:
        """Remove ids from the registries of `queue` that had no job at the last look and have none now.

        Returns:
            The number of these jobs; no other worker gets the same ones.
        """
        return sum(
            self._take_out(queue.connection, key)
            for key in (queue.deferred_job_registry.key, queue.scheduled_job_registry.key)
        )

    def _take_out(self, connection: Redis, registry: str) -> int:
        missing = set(_without_job(connection, registry))
        again = sorted(missing & self._seen.get(registry, set()))
        self._seen[registry] = missing - set(again)
        taken = 0
        for ids in _batches(again):
            keys: list[Any] = [registry, *map(_key, ids)]
            arguments: list[Any] = list(ids)
            found: Any = connection.eval(_TAKE_OUT, len(keys), *keys, *arguments)
            taken += int(found)
        return taken


def _key(job_id: bytes) -> bytes:
    return Job.redis_job_namespace_prefix.encode() + job_id


def _without_job(connection: Redis, registry: str) -> Iterator[bytes]:
    members: Iterable[Any] = connection.zscan_iter(registry, count=BATCH)
    for ids in _batches(member for member, _ in members):
        with connection.pipeline(transaction=False) as reads:
            for job_id in ids:
                reads.exists(_key(job_id))
            yield from itertools.compress(ids, (not found for found in reads.execute()))


def _batches(ids: Iterable[bytes]) -> Iterator[list[bytes]]:
    """itertools.batched, which Python 3.11 lacks."""
    remaining = iter(ids)
    while batch := list(itertools.islice(remaining, BATCH)):
        yield batch

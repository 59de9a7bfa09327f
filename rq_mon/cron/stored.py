"""Storage of cron jobs in Redis: the reads and writes of a change."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from rq_mon.catalogue import (
    CRON_JOBS_KEY,
    CRON_LAST_TICKS_KEY,
    CRON_LISTS_KEY,
    CRON_NEXT_TICKS_KEY,
    CRON_OWNERS_KEY,
    CRON_PAUSED_KEY,
    CRON_TICKS_KEY,
    TICK_RESULTS,
    TickResult,
)
from rq_mon.cron.definition import CronJob, UnreadableDefinitionError
from rq_mon.cron.schedule import Timestamp, read_timestamp
from rq_mon.state.cron_owners import Owners

logger = logging.getLogger(__name__)

WATCHED_KEYS = (CRON_JOBS_KEY, CRON_NEXT_TICKS_KEY, CRON_PAUSED_KEY, CRON_OWNERS_KEY, CRON_LISTS_KEY)
"""The keys that a change depends on. A tick that runs changes its next tick as well as its last."""


def transaction(connection: Any, change: Callable[[Any], Any]) -> Any:
    """Run `change`, which reads before it calls `multi`; run it again if a key changes meanwhile."""
    return connection.transaction(change, *WATCHED_KEYS, value_from_callable=True)


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored data of one cron job at the start of a change; a tick is None if it is not a time."""

    definition: bytes | None
    next_tick: Timestamp | None
    last_tick: Timestamp | None
    is_paused: bool
    owners: Owners | None

    @property
    def is_known(self) -> bool:
        """Whether the cron job exists."""
        return self.definition is not None or self.next_tick is not None

    def next_tick_of(self, cron_job: CronJob, now: float) -> Timestamp | None:
        """Return the next tick; None if paused. A due tick is kept, so that a restart does not lose it."""
        if self.is_paused:
            return None
        before = readable(cron_job.id, self.definition) if self.definition is not None else None
        if before is not None and before.schedule == cron_job.schedule and self.next_tick is not None:
            return self.next_tick
        return self.tick_after(cron_job, now)

    def tick_after(self, cron_job: CronJob, now: float) -> Timestamp | None:
        """Return the first tick after now and after the last run."""
        return cron_job.schedule.next_tick(max(now, self.last_tick or 0))


def read_stored(connection: Any, raw_ids: Collection[bytes]) -> dict[bytes, Stored]:
    """Return the stored data of these cron jobs only."""
    with connection.pipeline(transaction=False) as reads:
        for raw_id in raw_ids:
            reads.hget(CRON_JOBS_KEY, raw_id)
            reads.zscore(CRON_NEXT_TICKS_KEY, raw_id)
            reads.hget(CRON_LAST_TICKS_KEY, raw_id)
            reads.hexists(CRON_PAUSED_KEY, raw_id)
            reads.hget(CRON_OWNERS_KEY, raw_id)
        found = iter(reads.execute())
    return {
        raw_id: Stored(
            definition=next(found),
            next_tick=read_timestamp(next(found)),
            last_tick=read_timestamp(next(found)),
            is_paused=next(found),
            owners=Owners.from_json(next(found)),
        )
        for raw_id in raw_ids
    }


def readable(cron_job_id: str, text: bytes) -> CronJob | None:
    """Return a cron job from its definition; None, and a log line, if that is unreadable."""
    try:
        return CronJob.from_json(cron_job_id, text)
    except UnreadableDefinitionError as error:
        logger.warning("cannot read the definition of cron_job=%s: %s", cron_job_id, error)
        return None


def ticks_field(raw_id: bytes, result: TickResult) -> bytes:
    """Return the field of CRON_TICKS_KEY that counts ticks of a cron job with this result."""
    return b"%b:%b" % (raw_id, result.encode())


def write(pipeline: Any, cron_job: CronJob, next_tick: Timestamp | None, owners: Owners) -> None:
    """Write a cron job; keep its counters."""
    pipeline.hset(CRON_JOBS_KEY, cron_job.id, cron_job.to_json())
    write_owners(pipeline, cron_job.id.encode(), owners)
    write_next_tick(pipeline, cron_job, next_tick)
    for result in TICK_RESULTS:
        # increase() sees the first tick only if the counter existed at 0 before.
        pipeline.hsetnx(CRON_TICKS_KEY, ticks_field(cron_job.id.encode(), result), "0")


def write_owners(pipeline: Any, raw_id: bytes, owners: Owners) -> None:
    """Write who registered a cron job."""
    pipeline.hset(CRON_OWNERS_KEY, raw_id, owners.to_json())


def write_next_tick(pipeline: Any, cron_job: CronJob, next_tick: Timestamp | None) -> None:
    """Write when a cron job is due next; delete the entry if it never is."""
    if next_tick is not None:
        pipeline.zadd(CRON_NEXT_TICKS_KEY, {cron_job.id: next_tick})


def delete(pipeline: Any, raw_id: bytes) -> None:
    """Delete everything about a cron job."""
    pipeline.zrem(CRON_NEXT_TICKS_KEY, raw_id)
    for key in (CRON_JOBS_KEY, CRON_LAST_TICKS_KEY, CRON_PAUSED_KEY, CRON_OWNERS_KEY):
        pipeline.hdel(key, raw_id)
    pipeline.hdel(CRON_TICKS_KEY, *(ticks_field(raw_id, result) for result in TICK_RESULTS))

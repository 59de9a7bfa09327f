"""The cron jobs that are registered in Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from redis import Redis
from redis.client import Pipeline

from scheduler.catalogue import (
    CRON_JOBS_KEY,
    CRON_LAST_TICKS_KEY,
    CRON_NEXT_TICKS_KEY,
    CRON_TICKS_KEY,
    TICK_RESULTS,
    TickResult,
)
from scheduler.cron.definition import CronJob, UnreadableDefinitionError
from scheduler.cron.schedule import Timestamp

logger = logging.getLogger(__name__)


class CronRegistry:
    """Registers and cancels cron jobs. Each change is one transaction: nobody sees half of it."""

    def __init__(self, connection: Redis) -> None:
        self.connection: Any = connection  # redis-py's types mix answers with awaitables

    def register(self, cron_job: CronJob) -> None:
        """Add a cron job, in the place of the one with its id if there is one.

        That one's counters stay, and so does its next tick unless the schedule is another one now.
        """
        self._change([cron_job], cancel=_none)

    def replace_all(self, cron_jobs: Iterable[CronJob]) -> list[str]:
        """Register these cron jobs, cancel all others, and return the ids of those.

        Whoever registered them: what is on no list any more must not run for ever.
        """
        kept = list(cron_jobs)
        return self._change(kept, cancel=lambda known: known - {cron_job.id for cron_job in kept})

    def cancel(self, cron_job_id: str) -> bool:
        """Cancel one cron job, its counters with it, and return whether there was one."""
        return bool(self._change([], cancel=lambda known: known & {cron_job_id}))

    def cancel_all(self) -> list[str]:
        """Cancel all cron jobs, and return their ids."""
        return self._change([], cancel=lambda known: known)

    def count(self) -> int:
        """Return how many cron jobs are registered."""
        return int(self.connection.hlen(CRON_JOBS_KEY))

    def cron_jobs(self) -> list[CronJob]:
        """Return the registered cron jobs by id; those that cannot be read are logged and left out."""
        stored = self.connection.hgetall(CRON_JOBS_KEY)
        found = (_readable(raw_id.decode(), text) for raw_id, text in sorted(stored.items()))
        return [cron_job for cron_job in found if cron_job is not None]

    def _change(self, cron_jobs: list[CronJob], cancel: Callable[[set[str]], set[str]]) -> list[str]:
        def change(pipeline: Pipeline) -> list[str]:
            known, now = _Known.read(pipeline), time.time()
            cancelled = sorted(cancel(known.ids))
            pipeline.multi()
            for cron_job_id in cancelled:
                _delete(pipeline, cron_job_id)
            for cron_job in cron_jobs:
                _write(pipeline, cron_job, known.next_tick(cron_job, now))
            return cancelled

        changed: list[str] = self.connection.transaction(
            change, CRON_JOBS_KEY, CRON_NEXT_TICKS_KEY, value_from_callable=True
        )
        return changed


def ticks_field(cron_job_id: str, result: TickResult) -> str:
    """Return the field of CRON_TICKS_KEY that counts ticks of a cron job with this result."""
    return f"{cron_job_id}:{result}"


def _none(_known: set[str]) -> set[str]:
    return set()


@dataclass(frozen=True, slots=True)
class _Known:
    """What Redis holds when a change begins."""

    definitions: dict[str, bytes]
    next_ticks: dict[str, Timestamp]
    last_ticks: dict[str, Timestamp]

    @classmethod
    def read(cls, connection: Any) -> Self:
        definitions = connection.hgetall(CRON_JOBS_KEY)
        next_ticks = connection.zrange(CRON_NEXT_TICKS_KEY, 0, -1, withscores=True)
        last_ticks = connection.hgetall(CRON_LAST_TICKS_KEY)
        return cls(
            {raw_id.decode(): text for raw_id, text in definitions.items()},
            {raw_id.decode(): int(tick) for raw_id, tick in next_ticks},
            {raw_id.decode(): int(tick) for raw_id, tick in last_ticks.items()},
        )

    @property
    def ids(self) -> set[str]:
        return self.definitions.keys() | self.next_ticks.keys()

    def next_tick(self, cron_job: CronJob, now: float) -> Timestamp | None:
        """A tick that is due already is kept: a restart must not lose it."""
        stored = self.definitions.get(cron_job.id)
        before = _readable(cron_job.id, stored) if stored is not None else None
        if before is not None and before.schedule == cron_job.schedule and cron_job.id in self.next_ticks:
            return self.next_ticks[cron_job.id]
        return cron_job.schedule.next_tick(max(now, self.last_ticks.get(cron_job.id, 0)))


def _readable(cron_job_id: str, text: bytes) -> CronJob | None:
    try:
        return CronJob.from_json(cron_job_id, text)
    except UnreadableDefinitionError as error:
        logger.warning("cannot read the definition of cron_job=%s: %s", cron_job_id, error)
        return None


def _write(pipeline: Pipeline, cron_job: CronJob, next_tick: Timestamp | None) -> None:
    pipeline.hset(CRON_JOBS_KEY, cron_job.id, cron_job.to_json())
    if next_tick is not None:
        pipeline.zadd(CRON_NEXT_TICKS_KEY, {cron_job.id: next_tick})
    for result in TICK_RESULTS:
        # increase() only sees the first tick if the counter was there, at 0, before it.
        pipeline.hsetnx(CRON_TICKS_KEY, ticks_field(cron_job.id, result), "0")


def _delete(pipeline: Pipeline, cron_job_id: str) -> None:
    pipeline.hdel(CRON_JOBS_KEY, cron_job_id)
    pipeline.zrem(CRON_NEXT_TICKS_KEY, cron_job_id)
    pipeline.hdel(CRON_LAST_TICKS_KEY, cron_job_id)
    pipeline.hdel(CRON_TICKS_KEY, *(ticks_field(cron_job_id, result) for result in TICK_RESULTS))

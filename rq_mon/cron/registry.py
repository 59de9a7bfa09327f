"""The cron jobs that are registered in Redis."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from redis import Redis
from redis.client import Pipeline

from rq_mon.catalogue import (
    CRON_JOBS_KEY,
    CRON_LAST_TICKS_KEY,
    CRON_NEXT_TICKS_KEY,
    CRON_PAUSED_KEY,
    CRON_TICKS_KEY,
    TICK_RESULTS,
    TickResult,
)
from rq_mon.connection.clock import redis_time
from rq_mon.cron.definition import CronJob, UnreadableDefinitionError
from rq_mon.cron.identity import shown_id
from rq_mon.cron.schedule import Timestamp, read_timestamp

logger = logging.getLogger(__name__)


class CronRegistry:
    """Registers and cancels cron jobs. Each change is one transaction: nobody sees half of it."""

    def __init__(self, connection: Redis) -> None:
        self.connection: Any = connection  # redis-py's types mix answers with awaitables

    def register(self, cron_job: CronJob) -> None:
        """Add a cron job, in the place of the one with its id if there is one.

        That one's counters stay, and so does its next tick unless the schedule is another one now. If it is
        paused it stays so.
        """
        self._change([cron_job], cancel=_none)

    def replace_all(self, cron_jobs: Iterable[CronJob]) -> list[str]:
        """Register these cron jobs, cancel all others, and return the ids of those.

        Whoever registered them: what is on no list any more must not run for ever.
        """
        kept = list(cron_jobs)
        return self._change(kept, cancel=lambda known: known - {cron_job.id.encode() for cron_job in kept})

    def cancel(self, cron_job_id: str) -> bool:
        """Cancel one cron job, its counters with it, and return whether there was one."""
        return bool(self._change([], cancel=lambda known: known & {cron_job_id.encode()}))

    def cancel_all(self) -> list[str]:
        """Cancel all cron jobs, and return their ids."""
        return self._change([], cancel=lambda known: known)

    def pause(self, cron_job_id: str) -> bool:
        """Let a cron job have no next tick until `resume`, and return whether this changed anything.

        It stays paused when it is registered anew, as every cron scheduler does that starts. Ticks that pass
        meanwhile are not made up for, and not counted as missed.
        """

        def change(pipeline: Any) -> bool:
            known, raw_id, now = _Known.read(pipeline), cron_job_id.encode(), redis_time(pipeline)
            pipeline.multi()
            if raw_id not in known.ids or raw_id in known.paused:
                return False
            pipeline.hset(CRON_PAUSED_KEY, raw_id, int(now))
            pipeline.zrem(CRON_NEXT_TICKS_KEY, raw_id)
            return True

        return bool(self._transaction(change))

    def resume(self, cron_job_id: str) -> bool:
        """Let a paused cron job have ticks again, from now on, and return whether it was paused.

        Raises:
            UnreadableDefinitionError: nobody can tell when it is due; it stays paused.
        """

        def change(pipeline: Any) -> bool:
            known, raw_id, now = _Known.read(pipeline), cron_job_id.encode(), redis_time(pipeline)
            pipeline.multi()
            if raw_id not in known.paused:
                return False
            pipeline.hdel(CRON_PAUSED_KEY, raw_id)
            if raw_id in known.definitions:
                cron_job = CronJob.from_json(cron_job_id, known.definitions[raw_id])
                _write_next_tick(pipeline, cron_job, known.tick_after(cron_job, now))
            return True

        return bool(self._transaction(change))

    def count(self) -> int:
        """Return how many cron jobs are registered."""
        return int(self.connection.hlen(CRON_JOBS_KEY))

    def ids(self) -> list[str]:
        """Return the ids of the registered cron jobs, sorted, also of those that cannot be read."""
        return [shown_id(raw_id) for raw_id in sorted(self.connection.hkeys(CRON_JOBS_KEY))]

    def cron_jobs(self) -> list[CronJob]:
        """Return the registered cron jobs by id; those that cannot be read are logged and left out."""
        stored = self.connection.hgetall(CRON_JOBS_KEY)
        found = (_readable(shown_id(raw_id), text) for raw_id, text in sorted(stored.items()))
        return [cron_job for cron_job in found if cron_job is not None]

    def _change(self, cron_jobs: list[CronJob], cancel: Callable[[set[bytes]], set[bytes]]) -> list[str]:
        def change(pipeline: Pipeline) -> list[str]:
            known, now = _Known.read(pipeline), redis_time(pipeline)
            cancelled = sorted(cancel(known.ids))
            pipeline.multi()
            for raw_id in cancelled:
                _delete(pipeline, raw_id)
            for cron_job in cron_jobs:
                _write(pipeline, cron_job, known.next_tick(cron_job, now))
            return [shown_id(raw_id) for raw_id in cancelled]

        changed: list[str] = self._transaction(change)
        return changed

    def _transaction(self, change: Callable[[Any], Any]) -> Any:
        return self.connection.transaction(
            change, CRON_JOBS_KEY, CRON_NEXT_TICKS_KEY, CRON_PAUSED_KEY, value_from_callable=True
        )


def ticks_field(raw_id: bytes, result: TickResult) -> bytes:
    """Return the field of CRON_TICKS_KEY that counts ticks of a cron job with this result."""
    return b"%b:%b" % (raw_id, result.encode())


def _none(_known: set[bytes]) -> set[bytes]:
    return set()


@dataclass(frozen=True, slots=True)
class _Known:
    """What Redis holds when a change begins, by raw id; a tick is None where no time stands."""

    definitions: dict[bytes, bytes]
    next_ticks: dict[bytes, Timestamp | None]
    last_ticks: dict[bytes, Timestamp | None]
    paused: set[bytes]

    @classmethod
    def read(cls, connection: Any) -> Self:
        next_ticks = connection.zrange(CRON_NEXT_TICKS_KEY, 0, -1, withscores=True)
        last_ticks = connection.hgetall(CRON_LAST_TICKS_KEY)
        return cls(
            connection.hgetall(CRON_JOBS_KEY),
            {raw_id: read_timestamp(tick) for raw_id, tick in next_ticks},
            {raw_id: read_timestamp(tick) for raw_id, tick in last_ticks.items()},
            set(connection.hkeys(CRON_PAUSED_KEY)),
        )

    @property
    def ids(self) -> set[bytes]:
        return self.definitions.keys() | self.next_ticks.keys()

    def next_tick(self, cron_job: CronJob, now: float) -> Timestamp | None:
        """A tick that is due already is kept: a restart must not lose it. A paused cron job has none."""
        raw_id = cron_job.id.encode()
        if raw_id in self.paused:
            return None
        next_tick, stored = self.next_ticks.get(raw_id), self.definitions.get(raw_id)
        before = _readable(cron_job.id, stored) if stored is not None else None
        if before is not None and before.schedule == cron_job.schedule and next_tick is not None:
            return next_tick
        return self.tick_after(cron_job, now)

    def tick_after(self, cron_job: CronJob, now: float) -> Timestamp | None:
        """The first tick after now and after the one that ran last."""
        return cron_job.schedule.next_tick(max(now, self.last_ticks.get(cron_job.id.encode()) or 0))


def _readable(cron_job_id: str, text: bytes) -> CronJob | None:
    try:
        return CronJob.from_json(cron_job_id, text)
    except UnreadableDefinitionError as error:
        logger.warning("cannot read the definition of cron_job=%s: %s", cron_job_id, error)
        return None


def _write(pipeline: Any, cron_job: CronJob, next_tick: Timestamp | None) -> None:
    pipeline.hset(CRON_JOBS_KEY, cron_job.id, cron_job.to_json())
    _write_next_tick(pipeline, cron_job, next_tick)
    for result in TICK_RESULTS:
        # increase() only sees the first tick if the counter was there, at 0, before it.
        pipeline.hsetnx(CRON_TICKS_KEY, ticks_field(cron_job.id.encode(), result), "0")


def _write_next_tick(pipeline: Any, cron_job: CronJob, next_tick: Timestamp | None) -> None:
    if next_tick is not None:
        pipeline.zadd(CRON_NEXT_TICKS_KEY, {cron_job.id: next_tick})


def _delete(pipeline: Any, raw_id: bytes) -> None:
    pipeline.hdel(CRON_JOBS_KEY, raw_id)
    pipeline.zrem(CRON_NEXT_TICKS_KEY, raw_id)
    pipeline.hdel(CRON_LAST_TICKS_KEY, raw_id)
    pipeline.hdel(CRON_PAUSED_KEY, raw_id)
    pipeline.hdel(CRON_TICKS_KEY, *(ticks_field(raw_id, result) for result in TICK_RESULTS))

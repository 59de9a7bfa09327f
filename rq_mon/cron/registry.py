"""Registers, cancels, pauses and lists single cron jobs in Redis."""

from __future__ import annotations

from typing import Any

from redis import Redis

from rq_mon.catalogue import CRON_JOBS_KEY, CRON_NEXT_TICKS_KEY, CRON_PAUSED_KEY
from rq_mon.changes import count_changes
from rq_mon.connection.clock import redis_time
from rq_mon.cron.definition import CronJob
from rq_mon.cron.identity import shown_id
from rq_mon.cron.stored import Stored, delete, read_stored, readable, transaction, write, write_next_tick
from rq_mon.state.cron_owners import Owners


class CronRegistry:
    """Registers and cancels cron jobs. Each change is one transaction: no reader sees half of it."""

    def __init__(self, connection: Redis) -> None:
        self.connection: Any = connection  # redis-py's types mix answers with awaitables

    def register(self, cron_job: CronJob) -> None:
        """Add a cron job at run time, or replace the one with its id; no list cancels it.

        A replaced cron job keeps its counters. It keeps its next tick unless the schedule changed, and its
        pause.
        """

        def change(pipeline: Any) -> None:
            stored, now = self._stored(cron_job.id), redis_time(self.connection)
            pipeline.multi()
            owners = (stored.owners or Owners()).with_run_time()
            write(pipeline, cron_job, stored.next_tick_of(cron_job, now), owners)

        transaction(self.connection, change)

    def cancel(self, cron_job_id: str) -> bool:
        """Cancel one cron job, delete its counters, and return whether it existed."""

        def change(pipeline: Any) -> bool:
            is_known, raw_id = self._stored(cron_job_id).is_known, cron_job_id.encode()
            if not is_known:
                foreign = [each for each in self._raw_ids() if shown_id(each) == cron_job_id]
                is_known, raw_id = bool(foreign), foreign[0] if foreign else raw_id
            pipeline.multi()
            delete(pipeline, raw_id)
            if is_known:
                count_changes(pipeline, "cron_cancel")
            return is_known

        return bool(transaction(self.connection, change))

    def cancel_all(self) -> list[str]:
        """Cancel all cron jobs, and return their ids."""

        def change(pipeline: Any) -> list[str]:
            raw_ids = self._raw_ids()
            pipeline.multi()
            for raw_id in raw_ids:
                delete(pipeline, raw_id)
            return [shown_id(raw_id) for raw_id in raw_ids]

        cancelled: list[str] = transaction(self.connection, change)
        return cancelled

    def pause(self, cron_job_id: str) -> bool:
        """Pause a cron job until `resume`, and return whether this changed anything.

        It stays paused when cron schedulers start and register it again. Ticks during the pause never run,
        and do not count as missed.
        """

        def change(pipeline: Any) -> bool:
            stored, now = self._stored(cron_job_id), redis_time(self.connection)
            pipeline.multi()
            if not stored.is_known or stored.is_paused:
                return False
            pipeline.hset(CRON_PAUSED_KEY, cron_job_id, int(now))
            pipeline.zrem(CRON_NEXT_TICKS_KEY, cron_job_id)
            count_changes(pipeline, "cron_pause")
            return True

        return bool(transaction(self.connection, change))

    def resume(self, cron_job_id: str) -> bool:
        """Resume a cron job from now on, and return whether it was paused.

        Raises:
            UnreadableDefinitionError: its schedule cannot be read; it stays paused.
        """

        def change(pipeline: Any) -> bool:
            stored, now = self._stored(cron_job_id), redis_time(self.connection)
            pipeline.multi()
            if not stored.is_paused:
                return False
            pipeline.hdel(CRON_PAUSED_KEY, cron_job_id)
            if stored.definition is not None:
                cron_job = CronJob.from_json(cron_job_id, stored.definition)
                write_next_tick(pipeline, cron_job, stored.tick_after(cron_job, now))
            count_changes(pipeline, "cron_resume")
            return True

        return bool(transaction(self.connection, change))

    def count(self) -> int:
        """Return how many cron jobs are registered."""
        return int(self.connection.hlen(CRON_JOBS_KEY))

    def ids(self) -> list[str]:
        """Return the sorted ids of the registered cron jobs, including unreadable ones."""
        return [shown_id(raw_id) for raw_id in sorted(self.connection.hkeys(CRON_JOBS_KEY))]

    def cron_job(self, cron_job_id: str) -> CronJob | None:
        """Return one registered cron job; None if there is none.

        Raises:
            UnreadableDefinitionError: its definition cannot be read.
        """
        stored = self.connection.hget(CRON_JOBS_KEY, cron_job_id)
        return CronJob.from_json(cron_job_id, stored) if stored is not None else None

    def cron_jobs(self) -> list[CronJob]:
        """Return the registered cron jobs by id; unreadable ones are logged and left out."""
        stored = self.connection.hgetall(CRON_JOBS_KEY)
        found = (readable(shown_id(raw_id), text) for raw_id, text in sorted(stored.items()))
        return [cron_job for cron_job in found if cron_job is not None]

    def _raw_ids(self) -> list[bytes]:
        with self.connection.pipeline(transaction=False) as reads:
            reads.hkeys(CRON_JOBS_KEY)
            reads.zrange(CRON_NEXT_TICKS_KEY, 0, -1)
            return sorted({raw_id for found in reads.execute() for raw_id in found})

    def _stored(self, cron_job_id: str) -> Stored:
        raw_id = cron_job_id.encode()
        return read_stored(self.connection, [raw_id])[raw_id]

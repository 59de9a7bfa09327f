"""Claims due ticks: enqueues their jobs and moves on to the next ticks, in one transaction.

WATCH on the next ticks and the definitions lets only one of the cron schedulers through; the others look
again. So there is no leader to elect or replace, and no lock that outlives its holder.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from redis import Redis
from redis.client import Pipeline
from rq import Queue
from rq.job import Job

from rq_mon.calls.serializers import PICKLE, Format
from rq_mon.catalogue import (
    CRON_JOBS_KEY,
    CRON_LAST_TICKS_KEY,
    CRON_NEXT_TICKS_KEY,
    CRON_TICKS_KEY,
    TickResult,
)
from rq_mon.cron.definition import CronJob
from rq_mon.cron.identity import shown_id
from rq_mon.cron.queue_troubles import queue_troubles
from rq_mon.cron.schedule import Timestamp, read_timestamp
from rq_mon.cron.settlement import Settlement, settle
from rq_mon.cron.stored import ticks_field

logger = logging.getLogger(__name__)

TICKS_PER_TRANSACTION = 100
"""Keeps a transaction short: it blocks Redis, and is wasted if another cron scheduler is faster."""

UNREADABLE_RETRY_SECONDS = 60
"""Seconds until an unusable definition is looked at again. It is kept; each look counts as a failed tick."""


@dataclass(frozen=True, slots=True)
class DueCronJob:
    """A due entry of the next ticks."""

    raw_id: bytes
    tick: Timestamp
    definition: bytes | None
    last_run: Timestamp | None

    @property
    def id(self) -> str:
        """The id as text."""
        return shown_id(self.raw_id)


@dataclass(slots=True)
class _Settled:
    """The decision about one due entry."""

    due: DueCronJob
    settlement: Settlement
    cron_job: CronJob | None = None
    job: Job | None = None
    failure: str = ""
    """Why no worker can run the tick, as far as can be known in advance."""


class TickClaims:
    """Claims due ticks, safely beside other cron schedulers.

    Args:
        connection: the Redis that holds cron jobs and queues.
        grace: seconds after which a tick is too old to run.
        format_: the format of jobs' `meta`. Their arguments were written when the cron job was registered.
    """

    def __init__(self, connection: Redis, grace: float, format_: Format = PICKLE) -> None:
        self.connection: Any = connection  # redis-py's types mix answers with awaitables
        self.grace = grace
        self._reported: dict[bytes, str] = {}
        self._queue = lru_cache(maxsize=1000)(
            partial(Queue, connection=connection, serializer=format_.serializer)
        )
        """Cached by name: RQ takes longer to create a queue than to enqueue a job."""

    def next_tick(self) -> float | None:
        """Return when a cron job is due next; None if there is none."""
        first = self.connection.zrange(CRON_NEXT_TICKS_KEY, 0, 0, withscores=True)
        return first[0][1] if first else None

    def claim(self, now: float) -> list[Job]:
        """Settle the ticks due at `now`, TICKS_PER_TRANSACTION at most, and return the jobs enqueued."""
        settled: list[_Settled] = self.connection.transaction(
            lambda pipeline: self._claim(pipeline, now),
            CRON_NEXT_TICKS_KEY,
            CRON_JOBS_KEY,
            value_from_callable=True,
        )
        for each in settled:
            self._report(each)
        return [each.job for each in settled if each.job is not None]

    def _claim(self, pipeline: Pipeline, now: float) -> list[_Settled]:
        settled = [self._settle(due, now) for due in _read_due(pipeline, now)]
        self._drop_existing_jobs(settled)
        self._look_at_queues(settled, now)
        pipeline.multi()
        for each in settled:
            _move_on(pipeline, each)
            if each.job is not None:
                self._queue(each.job.origin).enqueue_job(each.job, pipeline=pipeline)
        return settled

    def _settle(self, due: DueCronJob, now: float) -> _Settled:
        if due.definition is None:  # the definition was lost: only the id is known
            return _Settled(due, Settlement(next_tick=None))
        try:
            cron_job = CronJob.from_json(due.id, due.definition)
            settlement = settle(cron_job.schedule, due.tick, due.last_run, now, self.grace)
            if settlement.run is None:
                return _Settled(due, settlement, cron_job)
            queue = self._queue(cron_job.queue_name)
            return _Settled(due, settlement, cron_job, cron_job.create_job_for(queue, settlement.run))
        except Exception as error:  # the other cron jobs must still get their ticks
            later = Settlement(next_tick=int(now) + UNREADABLE_RETRY_SECONDS)
            return _Settled(due, later, failure=f"its definition cannot be used: {error}")

    def _drop_existing_jobs(self, settled: list[_Settled]) -> None:
        """Drop jobs that exist already: after a restore or a clock change, a tick can come twice."""
        with_job = [each for each in settled if each.job is not None]
        with self.connection.pipeline(transaction=False) as reads:
            for each in with_job:
                reads.exists(each.job.key)  # type: ignore[union-attr]
            for each, exists in zip(with_job, reads.execute(), strict=True):
                if exists:
                    each.job = None

    def _look_at_queues(self, settled: list[_Settled], now: float) -> None:
        """Mark ticks as failed that no worker would run; enqueue their jobs anyway where possible."""
        with_job = [(each, each.job.origin) for each in settled if each.job is not None]
        troubles = queue_troubles(self.connection, {name for _, name in with_job}, now)
        for each, name in with_job:
            if name in troubles:
                each.failure = troubles[name].reason
                each.job = each.job if troubles[name].takes_jobs else None

    def _report(self, settled: _Settled) -> None:
        due, cron_job, job = settled.due, settled.cron_job, settled.job
        of_cron_job = {"cron_job": due.id}
        if not settled.failure:
            self._reported.pop(due.raw_id, None)
        elif self._reported.get(due.raw_id) != settled.failure:
            self._reported[due.raw_id] = settled.failure
            logger.error("failed tick of cron_job=%s: %s", due.id, settled.failure, extra=of_cron_job)
        if cron_job is not None and settled.settlement.missed:
            logger.warning(
                "missed cron_job=%s ticks=%d",
                due.id,
                settled.settlement.missed,
                extra={**of_cron_job, "queue": cron_job.queue_name, "function": cron_job.function},
            )
        if cron_job is not None and job is not None:
            logger.info(
                "enqueued job=%s queue=%s function=%s",
                job.id,
                job.origin,
                cron_job.function,
                extra={
                    **of_cron_job,
                    "job_id": job.id,
                    "queue": job.origin,
                    "function": cron_job.function,
                },
            )


def _read_due(connection: Any, now: float) -> list[DueCronJob]:
    due = connection.zrangebyscore(
        CRON_NEXT_TICKS_KEY, "-inf", now, start=0, num=TICKS_PER_TRANSACTION, withscores=True
    )
    if not due:
        return []
    raw_ids = [raw_id for raw_id, _ in due]
    definitions = connection.hmget(CRON_JOBS_KEY, raw_ids)
    last_ticks = connection.hmget(CRON_LAST_TICKS_KEY, raw_ids)
    return [
        DueCronJob(raw_id, read_timestamp(tick) or 0, definition, read_timestamp(last))
        for (raw_id, tick), definition, last in zip(due, definitions, last_ticks, strict=True)
    ]


def _move_on(pipeline: Any, settled: _Settled) -> None:
    due, settlement = settled.due, settled.settlement
    if settlement.next_tick is None:
        pipeline.zrem(CRON_NEXT_TICKS_KEY, due.raw_id)
    else:
        pipeline.zadd(CRON_NEXT_TICKS_KEY, {due.raw_id: settlement.next_tick})
    if settlement.run is not None:
        pipeline.hset(CRON_LAST_TICKS_KEY, due.raw_id, settlement.run)
    counts: dict[TickResult, int] = {
        "enqueued": 1 if settled.job is not None else 0,
        "coalesced": settlement.coalesced,
        "missed": settlement.missed,
        "failed": 1 if settled.failure else 0,
    }
    for result, count in counts.items():
        if count:
            pipeline.hincrby(CRON_TICKS_KEY, ticks_field(due.raw_id, result), count)

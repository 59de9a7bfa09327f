"""Everything that one scrape reads, at one moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from redis import Redis

from rq_mon.connection.client import connect
from rq_mon.exporter.long_jobs import LongJobs
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.oldest_jobs import OldestJobs
from rq_mon.exporter.shared_call import SharedCall
from rq_mon.state.cron import CronFacts, read_cron
from rq_mon.state.errors import Errors, Theme
from rq_mon.state.job_metrics import JobFacts, JobMetrics
from rq_mon.state.memory import Memory
from rq_mon.state.pipeline import Reading, read_together
from rq_mon.state.queues import KnownQueues, read_known_queues
from rq_mon.state.running_jobs import RunningJob
from rq_mon.state.workers import KnownWorkers, read_known_workers

READ_SECONDS = 1.75
"""Seconds after which a scrape answers without Redis: the whole answer must come within 2 s."""

SOCKET_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Facts about RQ at the Unix time `taken_at`."""

    taken_at: float
    workers: KnownWorkers
    queues: KnownQueues
    jobs: JobFacts
    cron: CronFacts
    long_jobs: Sequence[RunningJob] = ()
    """Jobs that run beyond the run objective of their queue."""

    def queue_names(self) -> set[str]:
        """Return the queues that RQ or a worker knows."""
        return {*self.queues.facts, *chain.from_iterable(worker.queues for worker in self.workers.all())}


def read_snapshot(connection: Redis, job_metrics: JobMetrics, memory: Memory, errors: Errors) -> Snapshot:
    """Read everything, in as few round trips as the longest reading has steps; parse what changed.

    Raises:
        RedisError, TimeoutError: Redis cannot be read, or not in time. There are no partial facts.
    """
    now = time.time()
    readings: dict[Theme, Reading[Any]] = {
        "workers": read_known_workers(errors, memory),
        "queues": read_known_queues(errors, now, memory),
        "jobs": job_metrics.read(errors, memory),
        "cron": read_cron(errors, now),
    }
    found = read_together(connection, readings, errors, deadline=time.monotonic() + READ_SECONDS)
    memory.forget_others()
    return Snapshot(taken_at=now, **found)


class RedisReader:
    """Reads snapshots from one Redis, which may be down, slow or frozen."""

    def __init__(self, url: str, errors: Errors, objectives: CurrentObjectives) -> None:
        connection = connect(url, socket_timeout=SOCKET_TIMEOUT, attempts=1)
        self._connection, self._errors, self._oldest_jobs = connection, errors, OldestJobs()
        self._job_metrics, self._memory = JobMetrics(), Memory()
        self._long_jobs = LongJobs(connection, objectives)
        self._snapshot = SharedCall(self._read)
        self._ping = SharedCall(lambda: bool(connection.ping()))

    def snapshot(self) -> Snapshot:
        """Return the current facts. Raises RedisError or TimeoutError, within READ_SECONDS."""
        return self._snapshot.result(READ_SECONDS)

    def _read(self) -> Snapshot:
        snapshot = read_snapshot(self._connection, self._job_metrics, self._memory, self._errors)
        self._oldest_jobs.fill_in(snapshot.queues.facts, snapshot.taken_at)
        return replace(snapshot, long_jobs=self._long_jobs.read(snapshot.workers.all(), snapshot.taken_at))

    def ping(self) -> None:
        """Check that Redis answers. Raises RedisError or TimeoutError, within READ_SECONDS."""
        self._ping.result(READ_SECONDS)

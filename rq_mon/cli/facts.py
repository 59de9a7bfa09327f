"""All queues, workers and cron jobs at one moment, read as the exporter reads them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError
from rq.suspension import WORKERS_SUSPENDED

from rq_mon.connection.clock import unix_time
from rq_mon.state.cron import CronFacts, read_cron
from rq_mon.state.errors import Errors, Theme
from rq_mon.state.failed_jobs import JOBS_PER_PAGE
from rq_mon.state.pipeline import Reading, read_together
from rq_mon.state.queues import QueueFacts, read_queues
from rq_mon.state.stored_jobs import read_functions
from rq_mon.state.workers import WorkerFacts, read_workers

READ_SECONDS = 30.0

NO_KEY = -2
"""Redis' answer to TTL for a key that does not exist."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What `rqmon status` shows, and `rqmon health` judges."""

    now: float
    """Unix time, by the clock of Redis."""
    is_paused: bool
    paused_for: int | None
    """Seconds until the workers resume; None: until someone resumes them."""
    queues: dict[str, QueueFacts]
    workers: list[WorkerFacts]
    """Live workers."""
    cron: CronFacts
    cron_schedulers: list[str]
    functions: dict[bytes, str]
    """Function of each running job, by job id."""

    def of_queue(self, name: str) -> Facts:
        """Return the facts about one queue."""
        jobs = {each: job for each, job in self.cron.jobs.items() if job.queue == name}
        return replace(
            self,
            queues={name: self.queues[name]} if name in self.queues else {},
            workers=[worker for worker in self.workers if name in worker.queues],
            cron=replace(self.cron, jobs=jobs),
        )

    def workers_of(self, queue: str) -> int:
        """Return how many live workers listen to a queue."""
        return sum(queue in worker.queues for worker in self.workers)


def read_facts(connection: Redis) -> Facts:
    """Read everything, in pipelines of short commands.

    Raises:
        RedisError, TimeoutError: Redis cannot be read, or not in time.
    """
    (now, left), errors = _clock_and_pause(connection), Errors()
    readings: dict[Theme, Reading[Any]] = {
        "queues": read_queues(errors, now),
        "workers": read_workers(errors),
        "cron": read_cron(errors, now),
    }
    found = read_together(connection, readings, errors, deadline=time.monotonic() + READ_SECONDS)
    workers = [worker for worker in found["workers"] if worker.is_live]
    return Facts(
        now=now,
        is_paused=left != NO_KEY,
        paused_for=left if left >= 0 else None,
        queues=dict(sorted(found["queues"].items())),
        workers=sorted(workers, key=lambda worker: worker.name),
        cron=found["cron"],
        cron_schedulers=list(found["cron"].live_schedulers or ()),
        functions=_functions(connection, [worker.job_id for worker in workers if worker.job_id]),
    )


def _clock_and_pause(connection: Any) -> tuple[float, int]:
    """Return the time (Redis' clock; ours without the right to TIME), and the TTL of the pause."""
    with connection.pipeline(transaction=False) as reads:
        reads.time()
        reads.ttl(WORKERS_SUSPENDED)
        clock, left = reads.execute(raise_on_error=False)
    for reply in (clock, left):
        if isinstance(reply, Exception) and not (reply is clock and isinstance(reply, NoPermissionError)):
            raise reply
    return time.time() if isinstance(clock, Exception) else unix_time(clock), int(left)


def _functions(connection: Redis, job_ids: list[bytes]) -> dict[bytes, str]:
    functions: dict[bytes, str] = {}
    for start in range(0, len(job_ids), JOBS_PER_PAGE):
        page = job_ids[start : start + JOBS_PER_PAGE]
        functions |= zip(page, read_functions(connection, page), strict=True)
    return functions

"""What `job_scheduler` costs an application, compared with RQ's own calls in the same process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis
from rq import Queue

from proofs.bench.jobs import noop
from proofs.bench.scraping import fresh_redis
from proofs.table import Row, ratio_row, verdict
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler, job_scheduler_many
from scheduler.cron_constants import EVERY_FIVE_MINUTES

MOST = 1.1
PAIRS, CALLS = 201, 25
"""Short runs and many pairs, so that other load on the machine hits both runs of a pair."""
PAIRS_OF_MANY, MANY = 41, 1000
CRON_JOBS, MOST_SECONDS = 1500, 2.0


def run() -> list[Row]:
    """Measure one call at a time, and many calls at once."""
    with _redis() as connection:
        queue = Queue(SHORT_RUNNING_QUEUE, connection=connection)
        arguments = [(number, "ann@example.org") for number in range(MANY)]
        one = _ratios(
            connection,
            PAIRS,
            lambda: [job_scheduler(noop) for _ in range(CALLS)],
            lambda: [queue.enqueue(noop) for _ in range(CALLS)],
        )
        many = _ratios(
            connection,
            PAIRS_OF_MANY,
            lambda: job_scheduler_many([{"function_args": each} for each in arguments], function=noop),
            lambda: queue.enqueue_many([Queue.prepare_data(noop, each) for each in arguments]),
        )
        connection.flushall()
        registering = [_register(fifth) for fifth in range(5)]
    return [
        ratio_row("time, job_scheduler ÷ Queue.enqueue", one, at_most=MOST),
        ratio_row(f"time, job_scheduler_many ÷ Queue.enqueue_many, {MANY:,} jobs", many, at_most=MOST),
        Row(
            f"CPU time to register {CRON_JOBS:,} cron jobs",
            f"{sum(registering):.2f} s",
            "by fifths: " + ", ".join(f"{seconds:.2f}" for seconds in registering),
            f"≤ {MOST_SECONDS:g} s",
            verdict(sum(registering) <= MOST_SECONDS),
        ),
    ]


def _register(fifth: int) -> float:
    """Register the cron jobs of one fifth; return this process' CPU seconds, because machines are busy."""
    started = time.process_time()
    for number in range(CRON_JOBS // 5):
        job_scheduler(noop, (fifth, number), cron=EVERY_FIVE_MINUTES)
    return time.process_time() - started


@contextmanager
def _redis() -> Iterator[Redis]:
    with fresh_redis() as server, Redis.from_url(server.url) as connection, redis_of_jobs(server.url):
        yield connection


@contextmanager
def redis_of_jobs(url: str) -> Iterator[None]:
    """Let `job_scheduler` write to this Redis."""
    before = os.environ.get("RQ_REDIS_URL", "")  # an empty variable counts as unset
    os.environ["RQ_REDIS_URL"] = url
    try:
        yield
    finally:
        os.environ["RQ_REDIS_URL"] = before


def _ratios(
    connection: Redis, pairs: int, ours: Callable[[], object], of_rq: Callable[[], object]
) -> list[float]:
    found = []
    for pair in range(-1, pairs):  # warm-up
        seconds = {}
        for call in (ours, of_rq) if pair % 2 else (of_rq, ours):
            connection.flushall()
            started = time.perf_counter()
            call()
            seconds[call] = time.perf_counter() - started
        if pair >= 0:
            found.append(seconds[ours] / seconds[of_rq])
    return found

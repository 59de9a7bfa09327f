"""Throughput of the stack's own worker against RQ's, each with RQ's scheduler, on jobs that do nothing.

Both wait for jobs all the while, each on a queue of its own, and get them by turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from rq import Queue, Worker

from proofs.bench.jobs import noop
from proofs.bench.scraping import fresh_redis
from proofs.harness.waiting import wait_until
from proofs.table import Row, verdict

ROOT = Path(__file__).resolve().parents[2]
PAIRS, JOBS = 20, 30
LEAST, LEAST_LOWER_BOUND = 1.0, 0.97
LOWER, UPPER = 5, 14
"""Of 20 sorted ratios, those between which the median lies with 95 % certainty."""
LOOKS_EVERY = 0.005

STACK, PLAIN = "stack", "plain"
COMMANDS = {
    STACK: [sys.executable, "-c", f"from scheduler.worker_process import run_worker; run_worker({STACK!r})"],
    PLAIN: [str(Path(sys.executable).with_name("rq")), "worker", PLAIN, "--with-scheduler", "--quiet"],
}


def run() -> list[Row]:
    """Measure pairs of runs."""
    with fresh_redis() as server, Redis.from_url(server.url) as connection, _workers(server.url):
        wait_until(lambda: Worker.count(connection) == len(COMMANDS), "both workers", within=60)
        ratios = sorted(_ratios({name: Queue(name, connection=connection) for name in COMMANDS}))
    median, lower, upper = statistics.median(ratios), ratios[LOWER], ratios[UPPER]
    return [
        Row(
            "throughput, the stack's worker ÷ rq worker --with-scheduler",
            f"{median:.3f}",
            f"95 %: {lower:.3f} to {upper:.3f}, {PAIRS} pairs",
            f"≥ {LEAST:g}, from {LEAST_LOWER_BOUND:g}",
            verdict(median >= LEAST and lower >= LEAST_LOWER_BOUND),
        )
    ]


@contextmanager
def _workers(url: str) -> Iterator[None]:
    environment = {
        **os.environ,
        "RQ_REDIS_URL": url,
        "PYTHONPATH": str(ROOT),
        "RQ_LOG_LEVEL": "WARNING",
    }
    # rq worker reads RQ_REDIS_URL as well.
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in COMMANDS.values()
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _ratios(queues: dict[str, Queue]) -> Iterator[float]:
    for pair in range(-1, PAIRS):  # the first one warms up
        seconds = {}
        for name in (STACK, PLAIN) if pair % 2 else (PLAIN, STACK):
            seconds[name] = _seconds(queues[name])
        if pair >= 0:
            yield seconds[PLAIN] / seconds[STACK]


def _seconds(queue: Queue) -> float:
    """How long the queue's worker takes for JOBS jobs that are there at once."""
    finished = queue.finished_job_registry.key
    queue.connection.delete(finished)
    started = time.perf_counter()
    queue.enqueue_many([Queue.prepare_data(noop) for _ in range(JOBS)])
    wait_until(lambda: queue.connection.zcard(finished) == JOBS, "the jobs", within=120, every=LOOKS_EVERY)
    return time.perf_counter() - started

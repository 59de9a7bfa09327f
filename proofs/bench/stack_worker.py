"""Throughput of the stack's worker against RQ's, each with RQ's scheduler, on empty jobs.

Each waits on its own queue; jobs go to one, then to the other. If other processes use the same cores, CPU
time is the steadier figure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from rq import Queue, Worker

from proofs.bench.jobs import noop
from proofs.bench.scraping import fresh_redis
from proofs.harness.processes import end
from proofs.harness.waiting import wait_until
from proofs.table import Row, ratio_row

ROOT = Path(__file__).resolve().parents[2]
PAIRS, JOBS = 20, 30
LEAST, LEAST_LOWER_BOUND = 1.0, 0.97
LOOKS_EVERY = 0.005
END_WITHIN = 30.0

STACK, PLAIN = "stack", "plain"
COMMANDS = {
    STACK: [sys.executable, "-c", f"from scheduler.worker_process import run_worker; run_worker({STACK!r})"],
    PLAIN: [str(Path(sys.executable).with_name("rq")), "worker", PLAIN, "--with-scheduler", "--quiet"],
}


def run() -> list[Row]:
    """Measure pairs of runs."""
    with fresh_redis() as server, Redis.from_url(server.url) as connection, _workers(server.url) as workers:
        wait_until(lambda: Worker.count(connection) == len(COMMANDS), "both workers", within=60)
        pairs = [*_pairs({name: Queue(name, connection=connection) for name in COMMANDS}, workers)]
    return [
        ratio_row(
            f"{what}, the stack's worker ÷ rq worker --with-scheduler",
            ratios,
            at_least=LEAST,
            bound=LEAST_LOWER_BOUND,
        )
        for what, ratios in zip(
            ("throughput", "jobs for a second of CPU time"), zip(*pairs, strict=True), strict=True
        )
    ]


@contextmanager
def _workers(url: str) -> Iterator[dict[str, psutil.Process]]:
    environment = {
        **os.environ,
        "RQ_REDIS_URL": url,
        "PYTHONPATH": str(ROOT),
        "RQ_LOG_LEVEL": "WARNING",
    }
    # `rq worker` reads RQ_REDIS_URL, too.
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in COMMANDS.values()
    ]
    try:
        yield {name: psutil.Process(each.pid) for name, each in zip(COMMANDS, started, strict=True)}
    finally:
        end(started, END_WITHIN)


def _pairs(queues: dict[str, Queue], workers: dict[str, psutil.Process]) -> Iterator[tuple[float, float]]:
    """Yield the ratios of seconds, and of CPU seconds."""
    for pair in range(-1, PAIRS):  # warm-up
        taken = {}
        for name in (STACK, PLAIN) if pair % 2 else (PLAIN, STACK):
            taken[name] = _seconds(queues[name], workers[name])
        if pair >= 0:
            yield taken[PLAIN][0] / taken[STACK][0], taken[PLAIN][1] / taken[STACK][1]


def _seconds(queue: Queue, worker: psutil.Process) -> tuple[float, float]:
    """Return the seconds that a worker needs for JOBS waiting jobs, and the CPU time of both."""
    finished = queue.finished_job_registry.key
    queue.connection.delete(finished)
    cpu, started = _cpu_seconds(queue.connection, worker), time.perf_counter()
    queue.enqueue_many([Queue.prepare_data(noop) for _ in range(JOBS)])
    wait_until(lambda: queue.connection.zcard(finished) == JOBS, "the jobs", within=120, every=LOOKS_EVERY)
    seconds = time.perf_counter() - started
    wait_until(lambda: Worker.all(queue=queue)[0].get_state() == "idle", "the worker to be idle", within=120)
    return seconds, _cpu_seconds(queue.connection, worker) - cpu


def _cpu_seconds(connection: Any, worker: psutil.Process) -> float:
    """Return the CPU time of Redis, the worker and its children.

    RQ's scheduler is a child that still runs.
    """
    used = connection.info("cpu")
    return sum(worker.cpu_times()[:4]) + float(used["used_cpu_user"]) + float(used["used_cpu_sys"])

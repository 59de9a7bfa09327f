"""Runs empty jobs on a plain and a monitored worker in turn.

    python -m proofs.bench.noop_worker URL KIND PAIRS JOBS

It runs in a process of its own, because forking a work horse costs more if the parent has imported more.
It prints one line for each pair: seconds and CPU seconds of the plain worker, then of the monitored one.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker, Worker

from proofs.bench.jobs import noop
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker

KINDS: dict[str, tuple[type[Any], type[Any]]] = {
    "Worker": (Worker, MonitoredWorker),
    "SimpleWorker": (SimpleWorker, MonitoredSimpleWorker),
}


def _run(worker_class: type[Any], connection: Redis, jobs: int) -> tuple[float, float]:
    """Run `jobs` jobs; return the seconds, and the CPU seconds of worker, work horses and Redis."""
    connection.flushall()
    queue = Queue(connection=connection)
    queue.enqueue_many([Queue.prepare_data(noop) for _ in range(jobs)])
    worker = worker_class([queue], connection=connection)
    cpu, started = _cpu_seconds(connection), time.perf_counter()
    worker.work(burst=True, logging_level="WARNING")
    return time.perf_counter() - started, _cpu_seconds(connection) - cpu


def _cpu_seconds(connection: Redis) -> float:
    used: Any = connection.info("cpu")
    return sum(os.times()[:4]) + float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def main(url: str, kind: str, pairs: str, jobs: str) -> None:
    plain, monitored = KINDS[kind]
    with Redis.from_url(url) as connection:
        for pair in range(-1, int(pairs)):  # warm-up
            results = {}
            for worker_class in (plain, monitored) if pair % 2 else (monitored, plain):
                results[worker_class] = _run(worker_class, connection, int(jobs))
            if pair >= 0:
                print(*results[plain], *results[monitored], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

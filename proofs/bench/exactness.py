"""Counters against what RQ recorded, while workers, work horses and Redis are killed at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from rq import Queue, Retry, Worker
from rq.registry import StartedJobRegistry

from proofs.bench import exactness_worker as jobs
from proofs.bench.recorded_ends import End, Replay, recorded_ends
from proofs.bench.table import Row, verdict
from proofs.harness.redis_server import RedisServer
from rq_mon.series import decode_jobs, functions_key, jobs_key, running_key

JOBS = int(os.environ.get("BENCH_EXACTNESS_JOBS", "5000"))
WORKERS = 4
QUEUES = ("short-running", "long-running")
REDIS_RESTARTS = 4
SECONDS_BETWEEN_KILLS = (0.2, 1.0)
DRAINED_WITHIN = 1500.0
SCRAPE_INTERVAL = 5.0
SEED = 20240607

# Function, its share of the jobs, how often RQ retries it, its time limit in seconds.
KINDS: list[tuple[Callable[[], object], int, int, int]] = [
    (jobs.succeed, 40, 3, 30),
    (jobs.succeed_slowly, 10, 0, 30),
    (jobs.fail, 15, 0, 30),
    (jobs.fail_twice, 10, 3, 30),
    (jobs.ask_for_retry, 10, 1, 30),
    (jobs.ask_for_too_many_retries, 5, 0, 30),
    (jobs.kill_work_horse, 7, 1, 30),
    (jobs.stop_itself, 2, 0, 30),
    (jobs.overrun, 1, 0, 1),
]


@dataclass(slots=True)
class Kills:
    """What was killed, and how often."""

    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{what} {count} times" for what, count in sorted(self.counts.items()))


class Crew:
    """Four workers, two a queue, each of which is started again when it has ended."""

    def __init__(self, url: str, log: Path) -> None:
        self._url = url
        self._log = log.open("ab")
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * WORKERS

    def keep_running(self) -> None:
        for index, process in enumerate(self._processes):
            if process is None or process.poll() is not None:
                self._processes[index] = self._start(QUEUES[index % len(QUEUES)])

    def _start(self, queue: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "proofs.bench.exactness_worker", self._url, queue]
        return subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def kill_one(self, chance: random.Random, kills: Kills) -> None:
        """Kill a worker, its work horse, or both at once, as when a machine goes."""
        process = chance.choice([process for process in self._processes if process is not None])
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(process.pid)
            horses = worker.children()
            victims = chance.choice([[worker], horses, [worker, *horses]])
            for victim in victims:
                victim.kill()
                kills.counts["worker" if victim is worker else "work horse"] += 1

    def stop(self) -> None:
        for process in self._processes:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            if process is not None:
                process.wait(timeout=60)
        self._log.close()


class StockCounters:
    """What `increase()` makes of rq-exporter's counters, which begin and end with their worker."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._due = 0.0

    def scrape(self, connection: Redis) -> None:
        """Look at every live worker's counters, as often as Prometheus does."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SCRAPE_INTERVAL
        for worker in Worker.all(connection):
            count = worker.successful_job_count + worker.failed_job_count
            self._first.setdefault(worker.name, count)
            self._last[worker.name] = count

    @property
    def total(self) -> int:
        """The sum over all workers; what a worker had counted before it was first seen is no increase."""
        return sum(last - self._first[name] for name, last in self._last.items())


def run() -> list[Row]:
    """Run the jobs, and compare."""
    with tempfile.TemporaryDirectory() as directory:
        return _run_in(Path(directory))


def _run_in(directory: Path) -> list[Row]:
    server = RedisServer(
        directory, "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"
    )
    server.start()
    try:
        with Redis.from_url(server.url) as connection:
            functions = _enqueue(connection)
            kills, stock = _work_and_kill(server, connection, directory / "workers.log")
            counted = _counted(connection)
            unfinished = _unfinished(connection, functions)
    finally:
        server.kill()
    return _rows(recorded_ends(directory, functions), counted, stock.total, kills, unfinished)


def _enqueue(connection: Redis) -> dict[str, str]:
    """Enqueue the jobs in random order; return their functions by id."""
    chance = random.Random(SEED)
    functions: dict[str, str] = {}
    shares = [share for _, share, _, _ in KINDS]
    chosen = chance.choices(KINDS, shares, k=JOBS)
    for queue in (Queue(name, connection=connection) for name in QUEUES):
        mine = chosen[:: len(QUEUES)] if queue.name == QUEUES[0] else chosen[1 :: len(QUEUES)]
        prepared = [
            Queue.prepare_data(
                function, timeout=limit, retry=Retry(max=retries) if retries else None, result_ttl=-1
            )
            for function, _, retries, limit in mine
        ]
        for job in queue.enqueue_many(prepared):
            functions[job.id] = str(job.func_name)
    return functions


def _work_and_kill(server: RedisServer, connection: Redis, log: Path) -> tuple[Kills, StockCounters]:
    chance = random.Random(SEED)
    kills, stock, crew = Kills(), StockCounters(), Crew(server.url, log)
    restart_at = [JOBS * (n + 1) // (REDIS_RESTARTS + 1) for n in range(REDIS_RESTARTS)]
    deadline = time.monotonic() + DRAINED_WITHIN
    while True:
        crew.keep_running()
        time.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
        waiting = _waiting(connection)
        if waiting == 0 and _idle(connection):
            break
        assert time.monotonic() < deadline, f"{waiting} jobs still wait; see {log}"
        stock.scrape(connection)
        if waiting == 0:
            continue
        if restart_at and JOBS - waiting >= restart_at[0]:
            restart_at.pop(0)
            server.kill()
            server.start()
            kills.counts["Redis"] += 1
        else:
            crew.kill_one(chance, kills)
    crew.stop()
    return kills, stock


def _waiting(connection: Redis) -> int:
    return sum(Queue(name, connection=connection).count for name in QUEUES)


def _idle(connection: Redis) -> bool:
    """Whether nothing runs, nothing is stuck on its way to a worker, and nothing is left to be counted."""
    for name in QUEUES:
        queue = Queue(name, connection=connection)
        with connection.pipeline() as pipeline:
            pipeline.zcard(StartedJobRegistry(queue=queue).key)
            pipeline.llen(queue.intermediate_queue_key)
            pipeline.hlen(running_key(name))
            if any(pipeline.execute()):
                return False
    return True


def _counted(connection: Redis) -> Counter[End]:
    counted: Counter[End] = Counter()
    for queue in QUEUES:
        members: Any = connection.smembers(functions_key(queue))
        for function in (member.decode() for member in members):
            fields: Any = connection.hgetall(jobs_key(queue, function))
            for outcome, histogram in decode_jobs(fields).outcomes.items():
                counted[End(queue, function, outcome)] = histogram.count
    return counted


def _unfinished(connection: Redis, functions: dict[str, str]) -> int:
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in functions:
            pipeline.hget(f"rq:job:{job_id}", "status")
        statuses = pipeline.execute()
    return sum(status not in (b"finished", b"failed", b"stopped") for status in statuses)


def _rows(recorded: Replay, counted: Counter[End], stock: int, kills: Kills, unfinished: int) -> list[Row]:
    total = recorded.ends.total()
    labels = set(recorded.ends) | set(counted)
    wrong = {
        label: (recorded.ends[label], counted[label])
        for label in labels
        if recorded.ends[label] != counted[label]
    }
    outcomes = Counter[str]()
    for end, count in recorded.ends.items():
        outcomes[end.outcome] += count
    by_outcome = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    return [
        Row(
            f"exactness: {JOBS} jobs on {WORKERS} workers, SIGKILL of {kills}",
            f"{counted.total()} of {total} executions counted, {len(wrong)} of {len(labels)} series differ"
            + "".join(f"; {label}: {values}" for label, values in sorted(wrong.items())),
            by_outcome,
            "equal, per queue, function and outcome",
            verdict(not wrong),
        ),
        Row(
            "ends that RQ recorded a second time (not counted again), jobs that RQ never ended",
            f"{recorded.recorded_again}, {unfinished}",
        ),
        Row(
            f"the same run by increase() of rq-exporter's own counters, scraped every {SCRAPE_INTERVAL:g} s",
            f"{stock} of {total} ({1 - stock / total:.0%} lost)",
        ),
    ]

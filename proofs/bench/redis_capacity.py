"""How many jobs a second one Redis can handle: its cost for a job and for an idle worker.

Redis uses one core. So its CPU time for a job limits the rate, whatever the number of workers and machines.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Worker

from proofs.bench.jobs import noop
from proofs.harness.processes import end, start_python
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from proofs.table import Row
from scheduler import SHORT_RUNNING_QUEUE
from stack.settings import PROJECT_ROOT

WORKERS = 2
WORKERS_END_WITHIN = 30.0
JOBS = 2000
WARM_UP = 100
RUNS = 3
KEPT_FOREVER = -1
"""Long enough that no result expires, because expiry would not be counted."""
IDLE_WORKERS = 4
IDLE_SECONDS = 30
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")
"""As in stack/redis.conf."""
SHARE_TO_PLAN_WITH = 0.6
"""Of a core. Above it, waits grow quickly, and Redis needs the rest to rewrite its file."""


def run() -> list[Row]:
    """Measure with workers as in the stack."""
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(Path(directory), *DURABLE)
        with server, Redis(port=server.port) as client:
            with workers(server, WORKERS):
                wait_until(lambda: Worker.count(connection=client) == WORKERS, "the workers")
                _run_jobs(client, WARM_UP)
                runs = [_run_jobs(client, JOBS) for _ in range(RUNS)]
            with workers(server, IDLE_WORKERS):
                wait_until(lambda: Worker.count(connection=client) >= IDLE_WORKERS, "the idle workers")
                idle_commands, idle_cpu = _idle(client)
                connections = _connections(client) / IDLE_WORKERS
    costs = sorted(cpu for cpu, _ in runs)
    cost, commands = costs[len(costs) // 2], runs[0][1]
    return [
        Row("Redis' CPU a job, ms", f"{cost * 1000:.2f}", f"{costs[0] * 1000:.2f} to {costs[-1] * 1000:.2f}"),
        Row("commands a job, from enqueueing to its end, those in scripts included", f"{commands:.1f}"),
        Row(
            f"jobs a second at {SHARE_TO_PLAN_WITH:.0%} of Redis' core",
            f"{SHARE_TO_PLAN_WITH / cost:,.0f}",
            f"all of it: {1 / cost:,.0f}",
        ),
        Row(
            "commands a second of an idle worker",
            f"{idle_commands / IDLE_WORKERS:.1f}",
            f"{idle_cpu / IDLE_WORKERS * 100:.3f} % of a core",
        ),
        Row("connections of an idle worker", f"{connections:.1f}"),
    ]


@contextmanager
def workers(server: RedisServer, number: int) -> Iterator[None]:
    """Run workers of the queue short-running during the block."""
    started = [
        start_python(
            "short-running-worker.py",
            cwd=PROJECT_ROOT,
            environment={"RQ_REDIS_URL": server.url, "RQ_LOG_LEVEL": "WARNING"},
            log=server.directory / "workers.log",
        )
        for _ in range(number)
    ]
    try:
        yield
    finally:
        end(started, WORKERS_END_WITHIN)


def _run_jobs(client: Redis, jobs: int) -> tuple[float, float]:
    """Return Redis' CPU seconds and commands for each job, from enqueueing to the end."""
    queue = Queue(SHORT_RUNNING_QUEUE, connection=client)
    done = queue.finished_job_registry.get_job_count(cleanup=False)
    cpu, commands = _used(client)
    for _ in range(jobs):
        queue.enqueue(noop, result_ttl=KEPT_FOREVER)
    wait_until(
        lambda: queue.finished_job_registry.get_job_count(cleanup=False) == done + jobs,
        "the jobs to end",
        within=600,
        every=0.5,
    )
    cpu_after, commands_after = _used(client)
    return (cpu_after - cpu) / jobs, (commands_after - commands) / jobs


def _idle(client: Redis) -> tuple[float, float]:
    """Return commands and CPU seconds, a second, of all workers together."""
    cpu, commands = _used(client)
    started = time.monotonic()
    time.sleep(IDLE_SECONDS)
    cpu_after, commands_after = _used(client)
    seconds = time.monotonic() - started
    return (commands_after - commands) / seconds, (cpu_after - cpu) / seconds


def _connections(client: Redis) -> int:
    """Return the number of connections to Redis, without our own."""
    clients: Any = client.info("clients")
    return int(clients["connected_clients"]) - 1


def _used(client: Redis) -> tuple[float, float]:
    """Return Redis' CPU seconds and its commands so far, including those in scripts."""
    cpu: Any = client.info("cpu")
    statistics: Any = client.info("commandstats")
    calls = sum(each["calls"] for each in statistics.values())
    return float(cpu["used_cpu_user_main_thread"]) + float(cpu["used_cpu_sys_main_thread"]), float(calls)

"""What the job pages cost with very many jobs: time, memory, and waits of Redis' other clients."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
from redis import Redis

from proofs.bench.blocking import longest_wait
from proofs.harness.many_jobs import fail_many, list_queues, register_workers
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server, running
from proofs.table import Row, verdict

JOBS = 200_000
QUEUES = WORKERS = 1000
MOST_SECONDS = 0.5
MOST_MILLISECONDS = 5.0
MOST_MEGABYTES = 80
QUEUE = {"name": "queue-0000", "state": "failed"}
PAGES = {
    "all queues": "/",
    "failed jobs of a queue": f"/queue?{urlencode(QUEUE)}",
    "search without a match": f"/queue?{urlencode({**QUEUE, 'q': 'no such text'})}",
    "groups of failures": "/failures",
    "one job": "/job?id=job-000001",
    "running jobs": "/running",
    "workers": "/workers",
    "cron jobs": "/cron",
}


def run() -> list[Row]:
    """Open each page twice with very many jobs, queues and workers; measure the second time."""
    with (
        tempfile.TemporaryDirectory() as directory,
        RedisServer(Path(directory)) as redis,
        Redis(port=redis.port) as client,
    ):
        fail_many(client, JOBS, QUEUES)
        list_queues(client, QUEUES)
        register_workers(client, WORKERS)
        with _pages(redis, Path(directory)) as server:
            return [*_rows(server, redis, client), _memory(server)]


def _pages(redis: RedisServer, directory: Path) -> Any:
    port = free_port()
    environment = {
        "RQ_REDIS_URL": redis.url,
        "RQ_MON_WEB_PORT": str(port),
        "RQ_MON_WEB_READ_WITHOUT_LOGIN": "yes",
    }
    command = [sys.executable, "-m", "rq_mon.web"]
    return running("web", directory, port, command, "/health", environment)


def _rows(server: Server, redis: RedisServer, connection: Any) -> Iterator[Row]:
    assert redis.process is not None
    for name, path in PAGES.items():
        opened = _Opened(server, path)
        opened()
        connection.config_resetstat()
        wait = longest_wait(redis.process.pid, redis.port, opened)
        commands = connection.info("commandstats")
        longest = max(
            (each for each in commands if "config" not in each),
            key=lambda each: float(commands[each]["usec_per_call"]),
        )
        mean = float(commands[longest]["usec_per_call"]) / 1000
        yield Row(
            f"job pages, {name}: time",
            f"{opened.seconds:.2f} s",
            f"{opened.cpu:.2f} s of CPU time",
            f"≤ {MOST_SECONDS:g} s",
            verdict(opened.cpu <= MOST_SECONDS),
        )
        yield Row(
            f"job pages, {name}: Redis computes while a PING waits, at most",
            f"{wait.busy * 1000:.2f} ms",
            f"{longest.removeprefix('cmdstat_').upper()} takes {mean:.2f} ms",
            f"≤ {MOST_MILLISECONDS:g} ms",
            verdict(wait.busy * 1000 <= MOST_MILLISECONDS),
        )


@dataclass(slots=True)
class _Opened:
    """A page and its second load: seconds, and the server's CPU time."""

    server: Server
    path: str
    seconds: float = 0
    cpu: float = 0

    def __call__(self) -> None:
        process = psutil.Process(self.server.process.pid)
        began, before = time.monotonic(), process.cpu_times()
        with urlopen(f"{self.server.url}{self.path}", timeout=60) as answer:
            answer.read()
        after = process.cpu_times()
        self.seconds = time.monotonic() - began
        self.cpu = after.user + after.system - before.user - before.system


def _memory(server: Server) -> Row:
    megabytes = psutil.Process(server.process.pid).memory_info().rss / 1e6
    return Row(
        "job pages: memory after all of them",
        f"{megabytes:.0f} MB",
        target=f"≤ {MOST_MEGABYTES} MB",
        verdict=verdict(megabytes <= MOST_MEGABYTES),
    )

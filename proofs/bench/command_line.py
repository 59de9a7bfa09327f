"""What `rqmon` costs with very many failed jobs: time, memory, and waits of Redis' other clients."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from proofs.bench.blocking import Wait, longest_wait
from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.redis_server import RedisServer
from proofs.table import Row, verdict

JOBS = 200_000
FEW = 200
QUEUE = "mail"
ALL_OF_THEM = ("--all", "--yes")
IN_TURN = (
    (("status",), ("failed",), ("requeue", *ALL_OF_THEM), ("empty", QUEUE, "--yes")),
    (("delete", *ALL_OF_THEM),),
)
"""Commands that run one after the other on the same jobs."""
MOST_MEGABYTES_MORE = 20
MOST_MILLISECONDS = 5.0
LOOKS_EVERY = 0.02


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a command."""

    seconds: float
    peak_megabytes: float
    wait: Wait
    command: str
    """The Redis command that blocks longest."""
    median_milliseconds: float
    most_milliseconds: float
    """The median and the 99.9th percentile: on a busy machine the maximum says little."""


def run() -> list[Row]:
    """Measure each command with very many failed jobs, and its memory also with a few."""
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as server:
        return [row for commands in IN_TURN for row in _rows(server, commands)]


def _rows(server: RedisServer, commands: Sequence[Sequence[str]]) -> Iterator[Row]:
    few, many = (_costs(server, commands, jobs) for jobs in (FEW, JOBS))
    for command, least, most in zip(commands, few, many, strict=True):
        name = f"rqmon {command[0]}, {JOBS:,} failed jobs"
        more = most.peak_megabytes - least.peak_megabytes
        yield Row(f"{name}: time", f"{most.seconds:.1f} s")
        yield Row(
            f"{name}: memory more than for {FEW}",
            f"{more:.1f} MB",
            f"{most.peak_megabytes:.0f} MB at most",
            f"≤ {MOST_MEGABYTES_MORE} MB",
            verdict(more <= MOST_MEGABYTES_MORE),
        )
        yield Row(
            f"{name}: a command, {most.command}",
            f"{most.median_milliseconds:.2f} ms",
            f"99.9 %: {most.most_milliseconds:.2f} ms",
            f"≤ {MOST_MILLISECONDS:g} ms",
            verdict(most.median_milliseconds <= MOST_MILLISECONDS),
        )
        yield Row(
            f"{name}: Redis computes while a PING waits, at most",
            f"{most.wait.busy * 1000:.2f} ms",
            f"{most.wait.passed * 1000:.1f} ms passed",
        )


def _costs(server: RedisServer, commands: Sequence[Sequence[str]], jobs: int) -> list[Cost]:
    with Redis(port=server.port) as client:
        client.flushall()
        fail_jobs(client, queue=QUEUE, jobs=jobs)
        return [_cost(server, client, command) for command in commands]


def _cost(server: RedisServer, connection: Any, command: Sequence[str]) -> Cost:
    connection.config_resetstat()
    spent: list[tuple[float, float]] = []
    assert server.process is not None
    wait = longest_wait(server.process.pid, server.port, lambda: spent.append(_run(server.url, command)))
    took = {
        name.removeprefix("latency_percentiles_usec_").upper(): of_name
        for name, of_name in connection.info("latencystats").items()
        if "config" not in name
    }
    longest = max(took, key=lambda name: float(took[name]["p50"]))
    median, most = (float(took[longest][share]) / 1000 for share in ("p50", "p99.9"))
    ((seconds, megabytes),) = spent
    return Cost(seconds, megabytes, wait, longest, median, most)


def _run(url: str, command: Sequence[str]) -> tuple[float, float]:
    """Return a command's seconds and its peak memory in megabytes."""
    started, peak = time.monotonic(), 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "rq_mon.cli", *command],
        env={**os.environ, "RQ_REDIS_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        peak = _peak_megabytes(process.pid) or peak
        time.sleep(LOOKS_EVERY)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started, peak


def _peak_megabytes(process_id: int) -> float | None:
    """Return the peak memory of the program itself. getrusage() would include that of its parent."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process_id}/status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None

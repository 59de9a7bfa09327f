"""What `rqmon` costs on an empty Redis, compared with loading the libraries that it needs.

In CPU time: it hardly waits, and other processes may use the same cores.
"""

from __future__ import annotations

import os
import subprocess
import sys

from proofs.bench.scraping import fresh_redis
from proofs.table import Row, ratio_row, verdict

PAIRS = 15
LIBRARIES = ("-c", "import redis, rq, click")
MOST = {"status": 1.5, "--help": 0.6}
MOST_SECONDS = 0.3
"""For `rqmon status`."""


def run() -> list[Row]:
    """Measure the status of everything, and the list of commands."""
    with fresh_redis() as server:
        environment = {**os.environ, "RQ_REDIS_URL": server.url}
        pairs = {argument: _pairs(("-m", "rq_mon.cli", argument), environment) for argument in MOST}
    seconds = sorted(own for own, _ in pairs["status"])
    median = seconds[len(seconds) // 2]
    return [
        *(
            ratio_row(
                f"CPU time, rqmon {argument} ÷ python -c {LIBRARIES[1]!r}",
                [own / libraries for own, libraries in pairs[argument]],
                at_most=most,
            )
            for argument, most in MOST.items()
        ),
        Row(
            "CPU time, rqmon status",
            f"{median:.2f} s",
            f"{seconds[0]:.2f} to {seconds[-1]:.2f} s",
            f"≤ {MOST_SECONDS:g} s",
            verdict(median <= MOST_SECONDS),
        ),
    ]


def _pairs(command: tuple[str, ...], environment: dict[str, str]) -> list[tuple[float, float]]:
    """Return the seconds of a command and of the libraries, for each run."""
    found = []
    for pair in range(-1, PAIRS):  # warm-up
        both = (command, LIBRARIES) if pair % 2 else (LIBRARIES, command)
        seconds = {each: _seconds(each, environment) for each in both}
        if pair >= 0:
            found.append((seconds[command], seconds[LIBRARIES]))
    return found


def _seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    before = os.times()
    subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system

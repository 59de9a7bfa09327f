"""How long `rqmon` takes on an empty Redis, against loading the libraries that it cannot do without."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from proofs.bench.scraping import fresh_redis
from proofs.table import Row, ratio_row

PAIRS = 15
LIBRARIES = ("-c", "import redis, rq, click")
MOST = {"status": 1.5, "--help": 0.6}


def run() -> list[Row]:
    """Measure the look at everything, and the list of commands."""
    with fresh_redis() as server:
        environment = {**os.environ, "RQ_REDIS_URL": server.url}
        return [
            ratio_row(
                f"time, rqmon {argument} ÷ python -c {LIBRARIES[1]!r}",
                _ratios(("-m", "rq_mon.cli", argument), environment),
                at_most=most,
            )
            for argument, most in MOST.items()
        ]


def _ratios(command: tuple[str, ...], environment: dict[str, str]) -> list[float]:
    found = []
    for pair in range(-1, PAIRS):  # the first one warms up
        both = (command, LIBRARIES) if pair % 2 else (LIBRARIES, command)
        seconds = {each: _seconds(each, environment) for each in both}
        if pair >= 0:
            found.append(seconds[command] / seconds[LIBRARIES])
    return found


def _seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started

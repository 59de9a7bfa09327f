"""What counting costs: throughput of monitored workers against plain ones, on empty jobs."""

from __future__ import annotations

import subprocess
import sys

from proofs.bench.scraping import fresh_redis
from proofs.table import Row, ratio_row

LEAST, LEAST_LOWER_BOUND = 1.0, 0.97
PAIRS = 41
JOBS = {"SimpleWorker": 150, "Worker": 40}
"""Jobs in a run: short runs and many pairs, so that other load on the machine hits both of a pair."""


def run() -> list[Row]:
    """Measure both kinds of worker."""
    with fresh_redis() as server:
        return [row for kind in JOBS for row in _rows(server.url, kind)]


def _rows(url: str, kind: str) -> list[Row]:
    command = [sys.executable, "-m", "proofs.bench.noop_worker", url, kind, str(PAIRS), str(JOBS[kind])]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = [[float(number) for number in line.split()] for line in output.splitlines()]
    return [
        ratio_row(what, ratios, at_least=LEAST, bound=LEAST_LOWER_BOUND)
        for what, ratios in (
            (f"throughput, Monitored{kind} ÷ {kind}", [a[0] / a[2] for a in pairs]),
            (f"CPU time a job (worker and Redis), {kind} ÷ Monitored{kind}", [a[1] / a[3] for a in pairs]),
        )
    ]

"""How long the dashboards take over 15 minutes, where they read raw histograms, and over a second more.

A history of 20 queues, 200 functions and 40 workers, all of it every 5 s, as a real Prometheus scrapes it.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from grafana.queries import recorded
from grafana.queries.promql import RAW_NAME, SHORT
from proofs.bench.dashboards import END, RULES, refresh
from proofs.bench.prometheus_cost import least_cost
from proofs.harness.boards import PANEL_QUERIES, VARIABLE
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.table import Row, verdict

STEP = 5
START = END - SHORT - 600
"""Ten minutes earlier than the range: rates look back five minutes."""
HISTORY = History(START, queues=20, functions=200, workers=40, cron_jobs=10)
MOST_SECONDS = 2.0

RAW_BOARDS = sorted(
    {
        query.board
        for query in PANEL_QUERIES
        if any(RAW_NAME in match.groups() for match in VARIABLE.finditer(query.expr))
    }
)


def run() -> list[Row]:
    """Refresh each dashboard with raw histograms, and with recorded ones."""
    with tempfile.TemporaryDirectory(prefix="rq-mon-bench-") as directory:
        prometheus = RecordedPrometheus(Path(directory))
        text = prometheus.directory / "history.txt"
        HISTORY.write(text, START, END + 1, lambda _: STEP)
        prometheus.import_samples(text)
        text.unlink()
        prometheus.record(RULES, recorded.ALL_RECORDED, START, END)
        with prometheus:
            return [row for uid in RAW_BOARDS for row in _rows(prometheus, uid)]


def _rows(prometheus: RecordedPrometheus, uid: str) -> list[Row]:
    (raw, raw_work), (smooth, smooth_work) = (
        least_cost(prometheus, partial(refresh, prometheus, uid, length), runs=3)
        for length in (SHORT, SHORT + 1)
    )
    return [
        Row(
            f"refresh of {uid}, 15 min, raw histograms",
            f"{raw:.2f} s",
            f"{raw_work:.2f} s of CPU time",
            f"≤ {MOST_SECONDS:g} s",
            verdict(raw <= MOST_SECONDS),
        ),
        Row(f"refresh of {uid}, 15 min, recorded", f"{smooth:.2f} s", f"{smooth_work:.2f} s of CPU time"),
    ]

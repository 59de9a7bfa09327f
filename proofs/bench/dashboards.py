"""How long the dashboards take, over a week of a busy stack, with recording rules and without.

A history of 20 queues, 50 functions and 40 workers: 30 days, the last seven in full. What panels read as it
is scraped is there every 5 s. What they read from recording rules is there in raw only every minute, a 12th
of what a real Prometheus would have to read, so that the history can be made in minutes: what recording rules
save is more than what is shown here.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

from grafana.queries import recorded
from proofs.bench.prometheus_cost import cost, least_cost
from proofs.harness.boards import BOARDS, Asked, interpolate, panel_queries, step_of
from proofs.harness.history import History, Series
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.harness.waiting import wait_until
from proofs.table import Row, verdict
from rq_mon import catalogue

RULES = Path(__file__).resolve().parents[2] / "prometheus" / "rules"

HOUR, DAY = 3600, 86_400
BLOCK = 2 * HOUR
END = 1_750_003_200 // BLOCK * BLOCK
START = END - 30 * DAY
FULL = END - 7 * DAY - BLOCK
"""From here on all samples; before that four a day, so that the range is not empty."""

RANGES = {"6 h": 6 * HOUR, "7 d": 7 * DAY}
SLOWEST_REFRESH, SLOWEST_PANEL = 2, 0.7
"""Seconds, over seven days."""
BROWSER_CONNECTIONS = 6
"""Requests that a browser sends at the same time."""

HISTORY = History(START, queues=20, functions=50, workers=40, cron_jobs=10)

RECORDED_ONLY = {
    name
    for metric in (
        *(catalogue.JOB_DURATION, catalogue.JOB_WAIT),
        *(catalogue.JOBS_PROCESSED, catalogue.JOB_FAILURES),
    )
    for name in metric.series
}

WITHOUT_RULES = (
    *(
        (re.compile(rf"\b(?:{name}|{recorded.over_days(name)})\b"), metric.name)
        for name, metric in (
            (recorded.PROCESSED, catalogue.JOBS_PROCESSED),
            (recorded.FAILURES, catalogue.JOB_FAILURES),
        )
    ),
    *(
        (
            re.compile(rf"avg_over_time\((?:{name}|{recorded.over_days(name)})({{[^}}]*}})?(\[\w+\])\)"),
            rf"rate({raw}\1\2)",
        )
        for name, raw in {
            recorded.DURATION_BUCKETS: f"{catalogue.JOB_DURATION.name}_bucket",
            recorded.DURATION_SUM: f"{catalogue.JOB_DURATION.name}_sum",
            recorded.DURATION_COUNT: f"{catalogue.JOB_DURATION.name}_count",
            recorded.WAIT_BUCKETS: f"{catalogue.JOB_WAIT.name}_bucket",
            recorded.COMPLETION_RATE: catalogue.JOBS_PROCESSED.name,
        }.items()
    ),
)
"""Each recorded series, and its expression on raw ones."""


def run() -> list[Row]:
    """Measure every dashboard over six hours and seven days, all its queries at once, as a browser asks."""
    with _prometheus() as prometheus:
        rows = [
            Row(
                f"refresh of {uid}, {name}",
                f"{passed:.2f} s",
                f"{computed:.2f} s of CPU time for {len(list(panel_queries(uid)))} queries",
                *((f"≤ {SLOWEST_REFRESH:g} s", verdict(passed <= SLOWEST_REFRESH)) if name == "7 d" else ()),
            )
            for uid in BOARDS
            for name, length in RANGES.items()
            for passed, computed in [
                least_cost(prometheus, partial(refresh, prometheus, uid, length), runs=2)
            ]
        ]
        return [*rows, *_slowest_panels(prometheus), *_what_rules_save(prometheus)]


def _slowest_panels(prometheus: RecordedPrometheus) -> Iterator[Row]:
    for name, length in RANGES.items():
        times = {
            f"{uid}: {title}": least_cost(
                prometheus, partial(_ask_panel, prometheus, queries, length), runs=2
            )
            for uid in BOARDS
            for title, queries in _by_panel(uid).items()
        }
        slowest = max(times, key=lambda panel: times[panel])
        passed, computed = times[slowest]
        yield Row(
            f"slowest panel, {name}",
            f"{passed:.2f} s",
            f"{slowest}, {computed:.2f} s of CPU time",
            *((f"≤ {SLOWEST_PANEL:g} s", verdict(passed <= SLOWEST_PANEL)) if name == "7 d" else ()),
        )


def _what_rules_save(prometheus: RecordedPrometheus) -> Iterator[Row]:
    for name, length in RANGES.items():
        pairs = [
            (interpolate(query, length), raw, query)
            for uid in BOARDS
            for query in panel_queries(uid)
            if (raw := _without_rules(interpolate(query, length))) is not None
        ]
        with_rules, without = (
            sum(cost(prometheus, partial(_ask, prometheus, q, expr, length)).computed for expr, q in asked)
            for asked in ([(expr, q) for expr, _, q in pairs], [(raw, q) for _, raw, q in pairs])
        )
        yield Row(
            f"CPU time without recording rules / with, {name}",
            f"{without / with_rules:.1f}",
            f"{without:.1f} s against {with_rules:.1f} s, {len(pairs)} queries",
        )


def _without_rules(expr: str) -> str | None:
    """The same query on raw series; None if it reads no recorded ones, or if raw series cannot answer it."""
    raw = expr
    for pattern, replacement in WITHOUT_RULES:
        raw = pattern.sub(replacement, raw)
    return raw if raw != expr and not any(name in raw for name in recorded.ALL_RECORDED) else None


def _by_panel(uid: str) -> dict[str, list[Asked]]:
    panels: dict[str, list[Asked]] = {}
    for query in panel_queries(uid):
        panels.setdefault(query.panel, []).append(query)
    return panels


def refresh(prometheus: RecordedPrometheus, uid: str, length: int) -> None:
    """Send the queries of several panels at the same time, as a browser does."""
    panels = _by_panel(uid).values()
    with ThreadPoolExecutor(BROWSER_CONNECTIONS) as browser:
        list(browser.map(lambda queries: _ask_panel(prometheus, queries, length), panels))


def _ask_panel(prometheus: RecordedPrometheus, queries: Sequence[Asked], length: int) -> None:
    """Send all queries of a panel at the same time, as Grafana does."""
    with ThreadPoolExecutor(len(queries)) as grafana:
        list(grafana.map(lambda q: _ask(prometheus, q, interpolate(q, length), length), queries))


def _ask(prometheus: RecordedPrometheus, query: Asked, expr: str, length: int) -> None:
    if query.instant:
        prometheus.instant(expr, END)
    else:
        prometheus.range(expr, END - length, END, step_of(query, length))


@contextmanager
def _prometheus() -> Iterator[RecordedPrometheus]:
    with tempfile.TemporaryDirectory(prefix="rq-mon-bench-") as directory:
        prometheus = RecordedPrometheus(Path(directory))
        with ProcessPoolExecutor() as processes:
            for _ in processes.map(partial(_import_piece, prometheus), _pieces()):
                pass
        prometheus.record(RULES, recorded.ALL_RECORDED, FULL, END)
        prometheus.start()
        try:
            wait_until(
                partial(_is_compacted, prometheus.blocks), "the end of compaction", within=900, every=1
            )
            yield prometheus
        finally:
            prometheus.stop()


def _pieces() -> Iterator[tuple[int, int]]:
    """Beginning and end of each file. A large file is one block: promtool reads it once for each block."""
    yield from ((day, min(day + DAY, FULL)) for day in range(START, FULL, DAY))
    yield from ((block, block + BLOCK) for block in range(FULL, END, BLOCK))


def _import_piece(prometheus: RecordedPrometheus, piece: tuple[int, int]) -> None:
    start, end = piece
    text = prometheus.directory / f"{start}.txt"
    HISTORY.write(text, start, end, partial(_step, start))
    prometheus.import_samples(text)
    text.unlink()


def _step(start: int, series: Series) -> int:
    if start < FULL:
        return DAY // 4
    return 60 if series.name in RECORDED_ONLY else 5


def _is_compacted(blocks: Path) -> bool:
    """Whether no two blocks overlap: recorded samples are merged into the blocks of the raw ones."""
    metas = [
        json.loads(path.read_text()) for path in blocks.glob("[!w]*/meta.json") if ".tmp" not in str(path)
    ]
    spans = sorted((meta["minTime"], meta["maxTime"]) for meta in metas)
    return all(end <= start for (_, end), (start, _) in pairwise(spans))

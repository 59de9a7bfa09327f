"""How the monitor's cost grows with queues, workers and functions: four sizes each, and a line through them.

For the exporter and `job_scheduler`, it fills a Redis, scrapes and enqueues. For Prometheus, it writes an
hour of history, evaluates every rule's expression, and refreshes every dashboard. load.py has what grows with
the rate of jobs.
"""

from __future__ import annotations

import gzip
import http.client
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from redis import Redis

from grafana.queries import recorded
from proofs.bench.blocking import cpu_clock
from proofs.bench.busy_redis import change_functions, fill_with_functions, fill_with_workers_and_queues
from proofs.bench.dashboards import refresh
from proofs.bench.enqueueing import redis_of_jobs
from proofs.bench.fit import Line, fit
from proofs.bench.jobs import noop
from proofs.bench.prometheus_cost import cost, least_cost
from proofs.bench.scraping import HEADERS, GaveUpError, fresh_redis, our_exporter, scrape
from proofs.harness.boards import BOARDS
from proofs.harness.boards import seconds as interval_seconds
from proofs.harness.history import History
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.harness.redis_server import RedisServer
from proofs.table import Row
from scheduler import job_scheduler
from stack.settings import PROJECT_ROOT

RULES = PROJECT_ROOT / "prometheus" / "rules"
SCRAPES = 7
BATCHES, CALLS = 5, 100
MOST_SCRAPES = 50
SCRAPE_INTERVAL = 5
"""Seconds, as in prometheus/prometheus.yml."""
REFRESH_INTERVAL = interval_seconds(next(iter(BOARDS.values()))["refresh"])
"""Seconds between two refreshes of an open dashboard."""
EVALUATIONS = 3
REFRESHES = 3
RANGE = 1200
"""Seconds of a dashboard: more than those for which it reads raw histograms."""
BASE = 20
"""Queues and workers while something else grows."""
QUEUES_WITH_FUNCTIONS = 20
HOUR = 3600
END = 1_750_003_200


@dataclass(frozen=True, slots=True)
class Dimension:
    """What grows, and its sizes."""

    name: str
    sizes: tuple[int, ...]
    fill: Callable[[Redis, int], None]
    """Fills a Redis for the exporter."""
    histories: tuple[int, ...]
    """Sizes for Prometheus."""
    history: Callable[[int], History]
    change: Callable[[Redis, int], None] = lambda *_: None
    """What happens between two scrapes."""


DIMENSIONS = (
    Dimension(
        "queues",
        (250, 500, 1000, 2000),
        lambda client, size: fill_with_workers_and_queues(client, BASE, size),
        (50, 100, 200, 400),
        lambda size: History(END - HOUR, queues=size, functions=BASE, workers=BASE),
    ),
    Dimension(
        "workers",
        (250, 500, 1000, 2000),
        lambda client, size: fill_with_workers_and_queues(client, size, BASE),
        (250, 500, 1000, 2000),
        lambda size: History(END - HOUR, queues=BASE, functions=BASE, workers=size),
    ),
    Dimension(
        "functions",
        (2500, 5000, 10_000, 20_000),
        lambda client, size: fill_with_functions(
            client, size // QUEUES_WITH_FUNCTIONS, QUEUES_WITH_FUNCTIONS
        ),
        (100, 200, 400, 800),
        lambda size: History(END - HOUR, queues=QUEUES_WITH_FUNCTIONS, functions=size, workers=BASE),
        lambda client, size: change_functions(
            client, size // 100, size // QUEUES_WITH_FUNCTIONS, QUEUES_WITH_FUNCTIONS
        ),
    ),
)


def run(dimensions: Sequence[Dimension] = DIMENSIONS) -> list[Row]:
    """Measure all dimensions, or those given."""
    return [row for each in dimensions for row in (*_redis_rows(each), *_prometheus_rows(each))]


# ---- the exporter, and job_scheduler ----


def _redis_rows(dimension: Dimension) -> Iterator[Row]:
    measured = [_measured(dimension, size) for size in dimension.sizes]
    times = [seconds for seconds, _, _ in measured]
    time_line = fit(dimension.sizes, times)
    yield _row(
        f"CPU of a scrape, ms for each of the {dimension.name}",
        time_line,
        times,
        dimension.sizes,
        f"a core for the {SCRAPE_INTERVAL} s between scrapes at {_count(time_line.reaches(SCRAPE_INTERVAL))}",
    )
    series = [count for _, count, _ in measured]
    calls = [seconds for _, _, seconds in measured]
    yield Row(
        f"CPU of a call of job_scheduler, µs more for each 1000 {dimension.name}",
        f"{fit(dimension.sizes, calls).slope * 1e9:.0f}",
        ", ".join(
            f"{seconds * 1e6:.0f} µs at {size}" for seconds, size in zip(calls, dimension.sizes, strict=True)
        ),
    )
    yield Row(
        f"series for each of the {dimension.name}",
        f"{fit(dimension.sizes, series).slope:.1f}",
        f"{series[0]:,.0f} at {dimension.sizes[0]} to {series[-1]:,.0f} at {dimension.sizes[-1]}",
    )


def _measured(dimension: Dimension, size: int) -> tuple[float, float, float]:
    """Return the exporter's CPU seconds for a scrape, the number of series, and CPU seconds for a call."""
    with fresh_redis() as server, Redis(port=server.port) as client:
        dimension.fill(client, size)
        with our_exporter(server.url) as (port, process_id):
            _cpu_of_scrape(port, process_id)
            seconds = []
            for _ in range(SCRAPES):
                dimension.change(client, size)
                seconds.append(_cpu_of_scrape(port, process_id))
            series = _series(port)
        with redis_of_jobs(server.url):
            return statistics.median(seconds), series, _cpu_of_call(server)


def _cpu_of_call(server: RedisServer) -> float:
    """Return the CPU seconds for one call of `job_scheduler`, of this process and Redis together."""
    assert server.process is not None
    clock = cpu_clock(server.process.pid)

    def used() -> float:
        return time.process_time() + time.clock_gettime(clock)

    batches = []
    for _ in range(BATCHES):
        before = used()
        for _ in range(CALLS):
            job_scheduler(noop)
        batches.append((used() - before) / CALLS)
    return min(batches)


def _cpu_of_scrape(port: int, process_id: int) -> float:
    """Return the exporter's CPU seconds for the first scrape that ends in time: the machine may be busy."""
    clock = cpu_clock(process_id)
    for _ in range(MOST_SCRAPES):
        before = time.clock_gettime(clock)
        with suppress(GaveUpError):
            scrape(port)
            return time.clock_gettime(clock) - before
    raise GaveUpError


def _series(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/metrics", headers=HEADERS)
        body = gzip.decompress(connection.getresponse().read())
    finally:
        connection.close()
    return sum(not line.startswith(b"#") for line in body.splitlines())


# ---- Prometheus' rules, and the dashboards ----


def _prometheus_rows(dimension: Dimension) -> Iterator[Row]:
    measured = [_evaluated(dimension.history(size)) for size in dimension.histories]
    totals = [sum(groups.values()) for groups, _ in measured]
    line = fit(dimension.histories, totals)
    largest = measured[-1][0]
    slowest = max(largest, key=lambda name: largest[name] / INTERVALS[name])
    by_group = fit(dimension.histories, [groups[slowest] for groups, _ in measured])
    yield _row(
        f"CPU of all rules once, ms for each of the {dimension.name}",
        line,
        totals,
        dimension.histories,
        f"{slowest} takes its whole interval, {INTERVALS[slowest]} s, "
        f"at {_count(by_group.reaches(INTERVALS[slowest]))}",
    )
    boards = measured[-1][1]
    board = max(boards, key=lambda uid: boards[uid])
    refreshes = [costs[board] for _, costs in measured]
    refresh_line = fit(dimension.histories, refreshes)
    yield _row(
        f"CPU of a refresh of the slowest dashboard, ms for each of the {dimension.name}",
        refresh_line,
        refreshes,
        dimension.histories,
        f"{board}; a core for the {REFRESH_INTERVAL} s between refreshes "
        f"at {_count(refresh_line.reaches(REFRESH_INTERVAL))}",
    )


def _evaluated(history: History) -> tuple[dict[str, float], dict[str, float]]:
    """Return Prometheus' CPU seconds at the end of the history.

    Returns:
        For one evaluation of each rule group, and for one refresh of each dashboard.
    """
    with tempfile.TemporaryDirectory(prefix="rq-mon-bench-") as directory:
        prometheus = RecordedPrometheus(Path(directory))
        text = prometheus.directory / "history.txt"
        history.write(text, history.start, END + 1, lambda _: 15)
        prometheus.import_samples(text)
        prometheus.record(RULES, recorded.ALL_RECORDED, END - RANGE, END)
        with prometheus:
            return (
                {name: _seconds_of(prometheus, group) for name, group in GROUPS.items()},
                {
                    uid: least_cost(
                        prometheus, partial(refresh, prometheus, uid, RANGE), runs=REFRESHES
                    ).computed
                    for uid in BOARDS
                },
            )


def _seconds_of(prometheus: RecordedPrometheus, expressions: Sequence[str]) -> float:
    def once() -> None:
        for expression in expressions:
            prometheus.instant(expression, END)

    once()  # warms the page cache
    return statistics.median(cost(prometheus, once).computed for _ in range(EVALUATIONS))


def _groups() -> Iterator[tuple[str, int, list[str]]]:
    default = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())["global"]["evaluation_interval"]
    for path in sorted(RULES.rglob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            interval = interval_seconds(group.get("interval", default))
            yield group["name"], interval, [rule["expr"] for rule in group["rules"]]


_READ = [*_groups()]
GROUPS = {name: expressions for name, _, expressions in _READ}
INTERVALS = {name: interval for name, interval, _ in _READ}


# ---- rows ----


def _row(name: str, line: Line, costs: Sequence[float], sizes: Sequence[int], limit: str) -> Row:
    measured = ", ".join(f"{cost:.3f} s at {size}" for size, cost in zip(sizes, costs, strict=True))
    return Row(
        name,
        f"{line.slope * 1000:.3f}, and {max(line.fixed, 0) * 1000:.0f} for all",
        f"{measured}; R² {line.r_squared:.3f}; {limit}",
    )


def _count(size: float) -> str:
    return "no size" if size == float("inf") else f"about {size:,.0f}"

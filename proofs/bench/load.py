"""Whether the monitor keeps up with the highest job rate of this machine, and what it costs for each job.

It starts a native stack as users do, and workers on other queues with jobs that do nothing: first at the
highest rate of two workers, then at shares of that rate.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from proofs.bench.fit import fit
from proofs.harness.boards import BOARDS, Asked, interpolate, panel_queries, step_of
from proofs.harness.boards import seconds as interval_seconds
from proofs.harness.native_stack import NativeStack
from proofs.harness.processes import kill_with_children
from proofs.harness.waiting import wait_until
from proofs.table import Row, verdict
from rq_mon.catalogue import JOBS_PROCESSED
from rq_mon.exporter.snapshot import READ_SECONDS
from stack.native.processes import SERVICE_NAME
from stack.services import PROMETHEUS, REDIS, RQ_EXPORTER, Service
from stack.settings import PROJECT_ROOT

WORKERS = 2
SHARES = (0.25, 0.5, 0.75)
"""Shares of the highest rate."""
SETTLE, MEASURE = 20, 60
"""Seconds before, and during, the measurement of a rate."""
BROWSER_CONNECTIONS = 6
RANGE = 900
MONITORED = (REDIS, RQ_EXPORTER, PROMETHEUS)

LONGEST_SCRAPE = READ_SECONDS
"""Beyond it the exporter answers with what it has read so far."""
LONGEST_REFRESH = interval_seconds(next(iter(BOARDS.values()))["refresh"])
"""How often open dashboards refresh."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The measurements at one rate."""

    jobs_a_second: float
    scrape: float
    """Seconds of the exporter's longest scrape."""
    rules: float
    """Seconds for all rule groups together, at most."""
    missed: float
    """Skipped rule evaluations."""
    up: float
    """The share of successful scrapes."""
    refresh: float
    """Seconds that the slowest dashboard took to refresh."""
    cpu: dict[Service, float]
    """CPU seconds in each second, by service."""


def run() -> list[Row]:
    """Measure at the highest rate and at shares of it."""
    with _stack() as stack:
        highest = _stage(stack, rate=0)
        shares = [_stage(stack, rate=highest.jobs_a_second * share) for share in SHARES]
    stages = [*shares, highest]
    return [
        *_bounds(highest),
        *(_cost(service, stages) for service in MONITORED),
        _growth("longest scrape", stages, lambda stage: stage.scrape),
        _growth("refresh of the slowest dashboard", stages, lambda stage: stage.refresh),
    ]


@contextmanager
def _stack() -> Iterator[NativeStack]:
    with tempfile.TemporaryDirectory(prefix="rq-mon-load-") as directory:
        stack = NativeStack(PROJECT_ROOT, Path(directory) / "project")
        try:
            started = stack.make("start-rq-mon")
            assert started.returncode == 0, started.stdout
            yield stack
        finally:
            stack.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


def _stage(stack: NativeStack, rate: float) -> Stage:
    """Enqueue jobs at this rate; at 0, as many as the workers can run."""
    with _load(stack, rate):
        time.sleep(SETTLE)
        before, started = _cpu(stack), time.monotonic()
        time.sleep(MEASURE)
        refresh = max(_refresh(stack, uid) for uid in BOARDS)
        elapsed, after = time.monotonic() - started, _cpu(stack)
        window = f"[{MEASURE}s]"
        exporter = f'job="{RQ_EXPORTER.name}"'
        groups = "prometheus_rule_group"
        return Stage(
            jobs_a_second=stack.sum_of(f"rate({JOBS_PROCESSED.name}{{queue=~'load-.*'}}{window})"),
            scrape=stack.sum_of(f"max_over_time(scrape_duration_seconds{{{exporter}}}{window})"),
            rules=stack.sum_of(f"max_over_time({groups}_last_duration_seconds{window})"),
            missed=stack.sum_of(f"increase({groups}_iterations_missed_total{window})"),
            up=stack.sum_of(f"avg(avg_over_time(up{window}))"),
            refresh=refresh,
            cpu={service: (after[service] - before[service]) / elapsed for service in MONITORED},
        )


@contextmanager
def _load(stack: NativeStack, rate: float) -> Iterator[None]:
    commands = [["work"]] * WORKERS + [["feed", str(rate)]]
    python = str(stack.directory / ".venv" / "bin" / "python")
    running = [
        subprocess.Popen(
            [python, "-m", "stack", "exec", python, "-m", "proofs.bench.load_processes", *command],
            cwd=stack.directory,
            env=stack.environment,
            stdout=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        wait_until(lambda: _busy(stack), "jobs that end", within=120)
        yield
    finally:
        for process in running:
            kill_with_children(process.pid)
            process.wait()


def _busy(stack: NativeStack) -> bool:
    return stack.sum_of(f"increase({JOBS_PROCESSED.name}{{queue=~'load-.*'}}[30s])") > 0


def _cpu(stack: NativeStack) -> dict[Service, float]:
    """Return the CPU seconds that each service has used so far."""
    used = dict.fromkeys(MONITORED, 0.0)
    names = {service.name: service for service in MONITORED}
    for process in stack.processes():
        service = names.get(process.environ().get(SERVICE_NAME, ""))
        if service:
            times = process.cpu_times()
            used[service] += times.user + times.system
    return used


def _refresh(stack: NativeStack, uid: str) -> float:
    """Return the seconds for all queries of a dashboard, sent as a browser sends them."""
    started = time.perf_counter()
    with ThreadPoolExecutor(BROWSER_CONNECTIONS) as browser:
        list(browser.map(partial(_ask, stack.url(PROMETHEUS)), panel_queries(uid)))
    return time.perf_counter() - started


def _ask(prometheus: str, query: Asked) -> None:
    now, expr = time.time(), interpolate(query, RANGE)
    span = (
        {"time": now} if query.instant else {"start": now - RANGE, "end": now, "step": step_of(query, RANGE)}
    )
    endpoint = "query" if query.instant else "query_range"
    with urlopen(
        f"{prometheus}/api/v1/{endpoint}", urlencode({"query": expr, **span}).encode(), 60
    ) as answer:
        answer.read()


def _bounds(highest: Stage) -> Iterator[Row]:
    where = f"at {highest.jobs_a_second:,.0f} jobs/s, the most that {WORKERS} workers did"
    yield Row(
        "targets that Prometheus reached",
        f"{highest.up:.1%}",
        where,
        "100 %",
        verdict(highest.up == 1),
    )
    yield Row(
        "longest scrape of the exporter",
        f"{highest.scrape:.3f} s",
        where,
        f"≤ {LONGEST_SCRAPE:g} s",
        verdict(highest.scrape <= LONGEST_SCRAPE),
    )
    yield Row("all groups of rules once, at most", f"{highest.rules:.3f} s", where)
    yield Row(
        "evaluations of rules that were left out",
        f"{highest.missed:.0f}",
        where,
        "0",
        verdict(highest.missed == 0),
    )
    yield Row(
        "refresh of the slowest dashboard",
        f"{highest.refresh:.2f} s",
        where,
        f"≤ {LONGEST_REFRESH:g} s",
        verdict(highest.refresh <= LONGEST_REFRESH),
    )


def _cost(service: Service, stages: list[Stage]) -> Row:
    rates = [stage.jobs_a_second for stage in stages]
    line = fit(rates, [stage.cpu[service] for stage in stages])
    return Row(
        f"CPU of {service.name}",
        f"{line.fixed:.3f} cores, and {line.slope * 1000:.3f} for each 1000 jobs/s",
        f"at {', '.join(f'{rate:,.0f}' for rate in rates)} jobs/s; R² {line.r_squared:.3f}; "
        f"one core at {line.reaches(1):,.0f} jobs/s",
    )


def _growth(what: str, stages: list[Stage], seconds: Callable[[Stage], float]) -> Row:
    line = fit([stage.jobs_a_second for stage in stages], [seconds(stage) for stage in stages])
    times = ", ".join(f"{seconds(stage):.3f} s at {stage.jobs_a_second:,.0f}" for stage in stages)
    return Row(f"{what}, ms more for each 1000 jobs/s", f"{line.slope * 1e6:.1f}", times)

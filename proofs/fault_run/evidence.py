"""Everything that is known after the run; each part has its own source."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from proofs.fault_run.application import Acknowledged
from proofs.fault_run.final_state import FinalState
from proofs.fault_run.plan import Size
from proofs.fault_run.recorded_ends import End
from proofs.fault_run.redis_server import Loss
from proofs.fault_run.replay import FaultReplay
from proofs.fault_run.side_file import Line
from rq_mon import catalogue


@dataclass
class Times:
    """Durations in seconds."""

    waiting_at_last_kill: int = 0
    """Jobs that had not ended at that time."""
    until_empty: float = 0.0
    """From the last kill until no job waited, ran or was delayed."""
    until_registered: float = 0.0
    """From the last loss of all registrations until all workers were registered again."""
    whole: float = 0.0


@dataclass
class Evidence:
    """The input of the ledger."""

    date: datetime
    size: Size
    seed: int
    fsync: str
    known: Acknowledged
    """From the application: the jobs that Redis acknowledged."""
    lines: Mapping[str, Sequence[Line]]
    """From the jobs: what they did."""
    replay: FaultReplay
    """From Redis' append-only file: what was recorded."""
    states: Mapping[str, FinalState]
    """From RQ's keys: the final state of each job of the application."""
    exported: Counter[End]
    """From the exporter: ends of executions."""
    in_prometheus: Counter[End] | None
    """From Prometheus; None if it is not installed."""
    increase: float | None
    """Prometheus' `increase` of these ends over the run."""
    stock_increase: float | None
    """The same with rq-exporter's own counters, which each worker has for itself."""
    ticks: Counter[tuple[str, str]]
    """From the exporter: ticks by cron job and result."""
    killed: Counter[str]
    done: Counter[str]
    hanging: Sequence[str]
    """Processes that did not end when they were asked to."""
    hit: Set[int]
    """Processes that were killed or frozen."""
    events: Sequence[tuple[float, str]]
    """The Unix time and description of each thing that was done."""
    vanished: Sequence[tuple[float, str]]
    """From the workers' log: Unix time and id of each job that was gone from Redis before its end could be
    recorded."""
    outages: Sequence[tuple[float, float]]
    refused: Sequence[tuple[float, float]]
    """Periods in which Redis refused to count, as Unix times."""
    left_out: Mapping[str, str]
    losses: Sequence[Loss]
    write_errors: Counter[str]
    """From the exporter: jobs that workers had no right to count, by Redis' error code."""
    cron_jobs: Sequence[str]
    """Ids of the cron jobs that are registered at the end."""
    forgotten: int
    """Number of workers' keys that Redis lost while jobs ran."""
    unregistered: Sequence[str]
    """Workers that had not registered again at the end, after Redis had lost all registrations."""
    rq: str
    """The version of RQ that workers and cron schedulers run."""
    times: Times = field(default_factory=Times)


def exported_ends(url: str) -> Counter[End]:
    """Return the ends of executions that the exporter shows."""
    return Counter(
        {
            End(labels["queue"], labels["function"], labels["outcome"]): int(value)
            for labels, value in _samples(url, catalogue.JOBS_PROCESSED.name)
            if value
        }
    )


def exported_ticks(url: str) -> Counter[tuple[str, str]]:
    """Return the ticks that the exporter shows."""
    return Counter(
        {
            (labels["cron_job"], labels["result"]): int(value)
            for labels, value in _samples(url, catalogue.CRON_TICKS.name)
        }
    )


def exported_write_errors(url: str) -> Counter[str]:
    """Return the number of uncounted jobs that the exporter shows, by error code."""
    samples = _samples(url, catalogue.JOB_METRICS_WRITE_ERRORS.name)
    return Counter({labels["reason"]: int(value) for labels, value in samples if value})


def prometheus_ends(url: str) -> Counter[End]:
    """Return the ends of executions that Prometheus has now."""
    query = f"sum by (queue, function, outcome) ({catalogue.JOBS_PROCESSED.name}) > 0"
    found = Counter[End]()
    for series in _ask(url, query):
        labels = series["metric"]
        found[End(labels["queue"], labels["function"], labels["outcome"])] = int(float(series["value"][1]))
    return found


def prometheus_increase(url: str, seconds: float) -> float:
    """Return Prometheus' `increase` of all ends over the last seconds."""
    return _increase(url, catalogue.JOBS_PROCESSED.name, seconds)


def stock_increase(url: str, seconds: float) -> float:
    """Return Prometheus' `increase` of rq-exporter's own counters over the last seconds."""
    stock = (catalogue.WORKERS_SUCCESS, catalogue.WORKERS_FAILED)
    return sum(_increase(url, metric.name, seconds) for metric in stock)


def _increase(url: str, name: str, seconds: float) -> float:
    found = _ask(url, f"sum(increase({name}[{int(seconds)}s]))")
    return float(found[0]["value"][1]) if found else 0.0


def _samples(url: str, name: str) -> list[tuple[dict[str, str], float]]:
    with urlopen(f"{url}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def _ask(url: str, query: str) -> list[Any]:
    parameters = urlencode({"query": query, "time": time.time()})
    with urlopen(f"{url}/api/v1/query?{parameters}", timeout=30) as answer:
        found: list[Any] = json.load(answer)["data"]["result"]
    return found

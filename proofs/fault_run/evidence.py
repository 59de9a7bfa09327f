"""All that is known when the run is over, each part from a source of its own."""

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
    """How long things took, in seconds."""

    waiting_at_last_kill: int = 0
    """Jobs that were not through then."""
    until_empty: float = 0.0
    """From the last kill until nothing waited, ran or was delayed any more."""
    until_registered: float = 0.0
    """From the last loss of all registrations until all workers were registered again."""
    whole: float = 0.0


@dataclass
class Evidence:
    """What the ledger is made from."""

    date: datetime
    size: Size
    seed: int
    fsync: str
    known: Acknowledged
    """By the application: what Redis has acknowledged."""
    lines: Mapping[str, Sequence[Line]]
    """By the jobs: what was done."""
    replay: FaultReplay
    """By Redis' append-only file: what was recorded."""
    states: Mapping[str, FinalState]
    """By RQ's keys: how each job of the application stands."""
    exported: Counter[End]
    """By the exporter: ends of executions."""
    in_prometheus: Counter[End] | None
    """By Prometheus; None where it is not installed."""
    increase: float | None
    """What Prometheus makes of them over the run."""
    stock_increase: float | None
    """The same from rq-exporter's own counters, of which each worker has its own."""
    ticks: Counter[tuple[str, str]]
    """By the exporter: ticks by cron job and result."""
    killed: Counter[str]
    done: Counter[str]
    hanging: Sequence[str]
    """Processes that did not end when they were told to."""
    hit: Set[int]
    """Processes that were killed or frozen."""
    told: Sequence[tuple[float, str]]
    """What was done when, as Unix times."""
    vanished: Sequence[tuple[float, str]]
    """By the workers' log: when which job was gone from Redis before its end could be recorded."""
    outages: Sequence[tuple[float, float]]
    refused: Sequence[tuple[float, float]]
    """When Redis refused to count: from and to, as Unix times."""
    left_out: Mapping[str, str]
    losses: Sequence[Loss]
    write_errors: Counter[str]
    """By the exporter: what workers were not allowed to count, by Redis' error code."""
    cron_jobs: Sequence[str]
    """Ids of those that are registered in the end."""
    forgotten: int
    """Keys of workers that Redis has lost while jobs ran."""
    unregistered: Sequence[str]
    """Workers that have not registered again after Redis had lost all of them, when all was quiet."""
    rq: str
    """RQ's version, of workers and cron schedulers."""
    times: Times = field(default_factory=Times)


def exported_ends(url: str) -> Counter[End]:
    """Return what the exporter says of the ends of executions."""
    return Counter(
        {
            End(labels["queue"], labels["function"], labels["outcome"]): int(value)
            for labels, value in _samples(url, catalogue.JOBS_PROCESSED.name)
            if value
        }
    )


def exported_ticks(url: str) -> Counter[tuple[str, str]]:
    """Return what the exporter says of ticks."""
    return Counter(
        {
            (labels["cron_job"], labels["result"]): int(value)
            for labels, value in _samples(url, catalogue.CRON_TICKS.name)
        }
    )


def exported_write_errors(url: str) -> Counter[str]:
    """Return what the exporter says of jobs that could not be counted."""
    samples = _samples(url, catalogue.JOB_METRICS_WRITE_ERRORS.name)
    return Counter({labels["reason"]: int(value) for labels, value in samples if value})


def prometheus_ends(url: str) -> Counter[End]:
    """Return what Prometheus has of the ends of executions, now."""
    query = f"sum by (queue, function, outcome) ({catalogue.JOBS_PROCESSED.name}) > 0"
    found = Counter[End]()
    for series in _ask(url, query):
        labels = series["metric"]
        found[End(labels["queue"], labels["function"], labels["outcome"])] = int(float(series["value"][1]))
    return found


def prometheus_increase(url: str, seconds: float) -> float:
    """Return what `increase` makes of all ends in the last seconds."""
    return _increase(url, catalogue.JOBS_PROCESSED.name, seconds)


def stock_increase(url: str, seconds: float) -> float:
    """Return what `increase` makes of rq-exporter's own counters in the last seconds."""
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

"""docs/metrics.md: every metric of the exporter, and every series that a rule records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from docs.reference.markdown import GENERATED, code, table
from docs.reference.rules import rule_files
from grafana.dashboards import DASHBOARDS
from grafana.layer.dashboard import to_json
from grafana.links import TITLES
from rq_mon.catalogue import (
    CATALOGUE,
    DURATION_BUCKETS,
    OUTCOMES,
    TICK_RESULTS,
    WAIT_BUCKETS,
    Metric,
)

TEXT = """{generated}
# Metrics

What `rq-exporter` serves on `/metrics`, from [`rq_mon/catalogue.py`](../rq_mon/catalogue.py). Names
and labels are public API: they do not change. The last column names the dashboards that read a metric, by
themselves or through a recorded series. [Questions that users ask](promql.md) shows how to query them.

{groups}
## Label values

{values}
## Recorded series

Written by Prometheus, from [`prometheus/rules/`](../prometheus/rules), for what several panels and alerts
share and for what would be slow to compute from raw series. A name says which labels are left, of which
metric, after which operations.

{recorded}"""

GROUPS = {
    "Jobs": ("rq_job_", "rq_jobs_"),
    "Queues": ("rq_queue_",),
    "Workers": ("rq_worker_",),
    "Cron": ("rq_cron_",),
    "The exporter itself": ("rq_",),
}
"""Headings, each with the prefixes of its metrics; the first that fits counts."""

STOCK_HEADING = "rq-exporter's own"


def metrics_page() -> str:
    """Return the page."""
    return TEXT.format(
        generated=GENERATED,
        groups="".join(_group(heading, metrics) for heading, metrics in _grouped().items()),
        values=_label_values(),
        recorded=_recorded_series(),
    )


def _grouped() -> dict[str, list[Metric]]:
    grouped: dict[str, list[Metric]] = {heading: [] for heading in (*GROUPS, STOCK_HEADING)}
    for metric in CATALOGUE:
        grouped[STOCK_HEADING if metric.stock else _heading(metric)].append(metric)
    return grouped


def _heading(metric: Metric) -> str:
    return next(heading for heading, prefixes in GROUPS.items() if metric.name.startswith(prefixes))


def _group(heading: str, metrics: Iterable[Metric]) -> str:
    rows = (
        (code(metric.name), metric.type, code(*metric.labels), metric.help, _dashboards(metric))
        for metric in metrics
    )
    return f"## {heading}\n\n{table(('metric', 'type', 'labels', 'meaning', 'dashboards'), rows)}\n"


def _label_values() -> str:
    return table(
        ("label", "of", "values"),
        [
            ("outcome", "jobs", code(*OUTCOMES)),
            ("result", "cron ticks", code(*TICK_RESULTS)),
            ("le", "run times, seconds", _bounds(DURATION_BUCKETS)),
            ("le", "waits, seconds", _bounds(WAIT_BUCKETS)),
        ],
    )


def _bounds(buckets: Sequence[float]) -> str:
    return code(*map(str, buckets), "+Inf")


def _recorded_series() -> str:
    return table(
        ("series", "every", "reads"),
        (
            (
                code(rule["record"]),
                every or "default",
                code(*(metric.name for metric in CATALOGUE if {*metric.series} & _words(rule["expr"]))),
            )
            for file in rule_files()
            for every, rule in file.recorded()
        ),
    )


def _dashboards(metric: Metric) -> str:
    names = {*metric.series, *_recorded_from(metric)}
    return ", ".join(title for title, words in _words_of_dashboards().items() if names & words)


def _recorded_from(metric: Metric) -> set[str]:
    """The series that are recorded from the metric, or from such a series."""
    found: set[str] = set()
    while (
        new := {name for name, words in _words_of_rules().items() if words & {*metric.series, *found}} - found
    ):
        found |= new
    return found


@cache
def _words_of_rules() -> dict[str, set[str]]:
    return {rule["record"]: _words(rule["expr"]) for file in rule_files() for _, rule in file.recorded()}


@cache
def _words_of_dashboards() -> dict[str, set[str]]:
    return {TITLES[dashboard.uid]: _words(to_json(dashboard)) for dashboard in DASHBOARDS}


def _words(text: str) -> set[str]:
    """Everything in the text, which may be JSON, that could be the name of a series."""
    return set(re.findall(r"[\w:]+", text.replace("\\n", " ")))

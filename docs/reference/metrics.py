"""docs/extend/metrics.md: every metric of the exporter, and every series that a rule records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from docs.reference.markdown import GENERATED, code, table
from docs.reference.rules import rule_files
from grafana.dashboards import DASHBOARDS
from grafana.layer.dashboard import to_json
from grafana.links import TITLES
from grafana.queries import recorded
from grafana.queries.promql import COUNTERS_NAME, RATES_NAME
from rq_mon.catalogue import (
    CATALOGUE,
    DURATION_BUCKETS,
    OUTCOMES,
    TICK_RESULTS,
    WAIT_BUCKETS,
    Metric,
)
from rq_mon.state import deferred_jobs, oldest_job, rate_limits
from rq_mon.state.queues import ALL_STATUSES

TEXT = """{generated}
# Metrics

For everyone who reads, queries or alerts on the metrics.

`rq-exporter` serves these metrics on `/metrics`. [`rq_mon/catalogue.py`](../../rq_mon/catalogue.py) declares
them. Names and labels are public API: they do not change. The last column names the dashboards that use a
metric, directly or through a recorded series.

{groups}
## Label values

{values}
## How far the exporter looks into a queue

Counts leave out finished and failed jobs that have expired. Three facts need the jobs themselves. For these
a scrape looks at a limited number of jobs, so that it stays short whatever the queues hold:

- `rq_queue_oldest_job_age_seconds` is the largest age found among {oldest} jobs of a queue: all jobs of a
  shorter queue, else two fifths at each end and the rest spread between them. All queues together get
  {oldest_in_all}, and each at least {fewest}. An old job in the middle of a long queue may be missed; the
  value is too small then. Ids of jobs that expired or cannot be read are left out. Where no job is found,
  the age of the oldest job known before goes on growing. Where none was known, it is the time since the
  first scrape that found the queue so. `rqmon status` remembers nothing, and shows `?`.
- `rq_queue_stuck_deferred_jobs` looks at the {deferred} jobs of a queue that were deferred first
  ({deferred_in_all} in all), and at about {dependencies} dependencies of each. More jobs may be stuck.
- `rq_jobs{{status="rate_limited"}}` counts each limit as a whole. Which queues its jobs belong to is looked
  up for the {limited} oldest ({limited_in_all} in all); the others are shared out in the same proportion.

Monitored workers count `rq_queue_expired_jobs_total` when they take an id out of a queue and find no job.
Jobs that were deleted or cancelled are not among these: their ids are taken out of the queue. Workers cannot
know why a job is gone. So these count as expired, too: jobs that Redis evicted, jobs whose key someone
deleted, and the second id of a job that was enqueued twice, if its first run kept no result.
Deferred and scheduled jobs that expired are found by a worker's maintenance, which RQ runs every ten minutes.
An id whose job is missing twice in a row is taken out of its registry and counted. Jobs that expire while a
rate limit holds them back are not counted: the limit does not say which queue they came from.

## Recorded series

Written by Prometheus, from [`prometheus/rules/`](../../prometheus/rules), for what several panels and alerts
share and for what would be slow to compute from raw series. A name says which labels are left, of which
metric, after which operations.

{recorded}
## Next

- Query them: [questions and their PromQL](promql.md).
- Know what they cost Prometheus: [how far it goes](../operate/scaling.md#one-prometheus).
- Add one: [the recipe](../../CONTRIBUTING.md#add-a-metric).
"""

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
    return TEXT.format(
        generated=GENERATED,
        groups="".join(_group(heading, metrics) for heading, metrics in _grouped().items()),
        values=_label_values(),
        recorded=_recorded_series(),
        oldest=oldest_job.IDS_PER_QUEUE,
        oldest_in_all=oldest_job.IDS_IN_ALL,
        fewest=oldest_job.FEWEST_IDS,
        deferred=deferred_jobs.IDS_PER_QUEUE,
        deferred_in_all=deferred_jobs.IDS_IN_ALL,
        dependencies=deferred_jobs.DEPENDENCIES_PER_JOB,
        limited=rate_limits.IDS_PER_LIMIT,
        limited_in_all=rate_limits.IDS_IN_ALL,
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
            ("status", "`rq_jobs`", code(*ALL_STATUSES)),
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
    return {TITLES[dashboard.uid]: _words(_asked(to_json(dashboard))) for dashboard in DASHBOARDS}


def _asked(dashboard: str) -> str:
    """Return what is shown, without what only chooses series by the range; names of series written out."""
    shown = re.sub(r"query_result\(.*", "", dashboard)
    for variable, operations in ((COUNTERS_NAME, recorded.FROM_ZERO), (RATES_NAME, recorded.RATE)):
        shown = shown.replace(f"${{{variable}}}", operations)
    return shown


def _words(text: str) -> set[str]:
    """Everything in the text, which may be JSON, that could be the name of a series."""
    return set(re.findall(r"[\w:]+", text.replace("\\n", " ")))

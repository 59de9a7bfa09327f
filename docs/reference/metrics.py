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
## Metrics that are estimates

The numbers of finished and failed jobs do not include expired ones.

Three metrics need the jobs themselves. A scrape must be short however long the queues are, so it looks at a
limited number of jobs:

- `rq_queue_oldest_job_age_seconds` is the largest age among {oldest} jobs of a queue. In a longer queue, two
  fifths of them are at each end and the rest between. All queues together get {oldest_in_all} jobs, each at
  least {fewest}. The value is too small if the oldest job is in the middle of a long queue.

  Ids of jobs that expired or cannot be read do not count. If only such ids are left, the last known age
  continues to grow. If none was known, it is the time since the first scrape that found the queue in this
  state. `rqmon status` remembers no age, and shows `?`.
- `rq_queue_stuck_deferred_jobs` looks at the {deferred} jobs of a queue that were deferred first
  ({deferred_in_all} in all queues), and at about {dependencies} dependencies of each. More jobs may be stuck.
- `rq_jobs{{status="rate_limited"}}` counts all jobs of each limit. To find their queues, it looks at the
  {limited} oldest jobs of a limit ({limited_in_all} in all), and assumes the same proportions for the rest.

`rq_queue_expired_jobs_total` counts a job when a monitored worker takes its id out of a queue and finds no
job:

- Deleted and cancelled jobs do not count, because RQ takes their ids out of the queue.
- A worker cannot know why a job is missing. So these count as expired, too: jobs that Redis evicted, jobs
  whose key someone deleted, and the second id of a job that was enqueued twice, if its first run kept no
  result.
- A worker's maintenance finds deferred and scheduled jobs that expired. RQ runs it every ten minutes. If the
  job of an id is missing twice in a row, the worker takes the id out of its registry and counts it.
- Jobs that expire while a rate limit holds them back do not count: the limit does not say which queue they
  came from.

## Recorded series

Prometheus records these by the rules in [`prometheus/rules/`](../../prometheus/rules): values that several
panels and alerts share, or that are slow to compute from raw series. A name has three parts: the labels that
are left, the metric, and the operations.

{recorded}
## Next

- Query them: [questions and their PromQL](promql.md).
- Know what they cost Prometheus: [how far it scales](../operate/scaling.md#one-prometheus).
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

"""Variables, annotations, colours and hints of all dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grafanalib.core import Dashboard, Template

from grafana.layer import dashboard as layer
from grafana.layer.fields import fixed_colour, graded, override, rename_series
from grafana.layer.layout import Heading, Row
from grafana.layer.panel import Panel
from grafana.layer.table import Label
from grafana.links import TITLES
from grafana.queries import alerts, changes, promql, recorded
from grafana.queries.promql import AT_INSTANCE, QUEUE, named, select
from rq_mon import catalogue
from rq_mon.export.dashboards import JOB_PAGES as JOB_PAGES_NAME
from rq_mon.queue_names import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

TAG = "rq"
DATA_SOURCE_UID = "prometheus"
DATA_SOURCE_NAME = "Prometheus"
"""As in provisioning/datasources/datasources.yml."""

DATA_SOURCE = layer.data_source_variable(DATA_SOURCE_UID, DATA_SOURCE_NAME)
REDIS_CHOICE = layer.label_variable("instance", "Redis", catalogue.REDIS_UP.name)
QUEUE_CHOICE = layer.label_variable("queue", "Queue", select(catalogue.JOBS))
FUNCTION_CHOICE = layer.label_variable("function", "Function", select(recorded.PROCESSED, QUEUE))
JOB_PAGES = layer.hidden_variable(JOB_PAGES_NAME, select(catalogue.JOB_PAGES_INFO), "url")
"""For dashboards with links to the job pages.

With several Redis: the job pages of the first that has some.
"""
RAW = layer.computed_variable(promql.RAW_NAME, promql.choose_raw())
"""For dashboards with graphs of histograms."""
COUNTERS = layer.computed_variable(
    promql.COUNTERS_NAME, promql.choose_recorded(promql.COUNTERS_NAME, recorded.FROM_ZERO)
)
RATES = layer.computed_variable(promql.RATES_NAME, promql.choose_recorded(promql.RATES_NAME, recorded.RATE))
"""For dashboards that read recorded counters, and recorded histograms."""
CRON_FUNCTION_CHOICE = layer.label_variable("function", "Function", select(catalogue.CRON_JOB_INFO, QUEUE))

JOBS_A_SECOND = "suffix:jobs/s"
SAMPLES_A_SECOND = "suffix:samples/s"
A_MINUTE = "suffix:/min"
"""Unit of events a minute."""

# These have the same colour on every dashboard. Other queues and functions get a colour by name.
QUEUE_COLOURS = {SHORT_RUNNING_QUEUE: "blue", LONG_RUNNING_QUEUE: "purple"}
"""By name, both of these queues of the stack would be pink."""
OUTCOME_COLOURS = {
    "success": "green",
    "failed": "red",
    "retried": "orange",
    "stopped": "blue",
    "abandoned": "purple",
}
EXCEPTION_COLOURS = {
    catalogue.WORK_HORSE_KILLED: "red",
    catalogue.WORK_HORSE_EXITED: "orange",
    catalogue.FAILURE_NOT_RECORDED: "yellow",
    catalogue.ABANDONED: "purple",
}
STATUS_COLOURS = {"queued": "blue", "started": "purple", "failed": "red", "finished": "green"}
"""States of jobs in RQ. The other states get a colour by name."""
QUANTILE_COLOURS = {"p50": "green", "p95": "yellow", "p99": "orange"}
RATIO_STEPS = ((0.01, "yellow"), (0.05, "red"))
WAIT_COLOURS = graded("green", (60, "yellow"), (600, "red"))
"""Seconds: a minute is too long for short jobs, ten minutes for any job."""

ANY_IS_BAD = graded("green", (1, "red"))
SHARE_OF_LIMIT_STEPS = ((0.5, "yellow"), (1, "red"))
ANY_IS_ODD = graded("green", (1, "orange"))

REDIS_COLUMN = Label("instance", "Redis", width=110)
"""The last label of a table, because most stacks have one Redis. An address such as 10.2.3.4:9726 fits."""

OWN_REDIS_IS_NOT_NAMED = rename_series(f"/^(.*) @ ({catalogue.OWN_INSTANCE})?$/", "$1")
"""Legends name the Redis only if there are several."""

NO_METRICS = "Not measured"
NOT_MEASURED = "Not measured: no job has ended yet, or the workers are uninstrumented"
"""Replaces "No data" (in a stat, and in a graph)."""

NOTHING_FAILED = "No failures, or not measured"


def rq_dashboard(
    uid: str, question: str, *, choices: Sequence[Template], rows: Sequence[Row | Heading]
) -> Dashboard:
    """A dashboard of this stack, with these choices after those of data source and Redis."""
    of_queue = (alerts.OF_QUEUE,) if QUEUE_CHOICE in choices else ()
    firing = layer.annotation(
        "Firing alerts",
        alerts.alert_annotations(*of_queue),
        title="{{alertname}}",
        text="{{severity}} {{queue}}",
        tags="severity,instance",
    )
    changes_ = [
        layer.annotation(
            "New versions",
            changes.new_versions(),
            title="New version {{version}}",
            text="Workers run it since the beginning of this mark",
            colour="blue",
        ),
        layer.annotation(
            "Cron list",
            changes.cron_changes(),
            title="Cron job {{change}}: {{function}}",
            text="{{schedule}} ({{cron_job}})",
            colour="purple",
        ),
        layer.annotation(
            "Redis restarts",
            changes.redis_restarts(),
            title="Redis restarted",
            text="At the beginning of this mark",
            colour="orange",
        ),
    ]
    return layer.dashboard(
        uid,
        f"RQ / {TITLES[uid]}",
        question,
        tag=TAG,
        variables=[DATA_SOURCE, REDIS_CHOICE, *choices],
        annotations=[firing, *changes_],
        rows=[_plainly_named(row) for row in rows],
    )


def _plainly_named(row: Row | Heading) -> Row | Heading:
    if isinstance(row, Heading):
        return row
    return replace(row, panels=[_with_queue_colours(_without_own_name(panel)) for panel in row.panels])


def _without_own_name(panel: Panel) -> Panel:
    if not any(AT_INSTANCE in target["legendFormat"] for target in panel.targets):
        return panel
    return replace(panel, transformations=[*panel.transformations, OWN_REDIS_IS_NOT_NAMED])


def _with_queue_colours(panel: Panel) -> Panel:
    is_by_queue = any(target["legendFormat"] == named("queue") for target in panel.targets)
    if panel.type != "timeseries" or not is_by_queue:
        return panel
    coloured = [override(queue, {"color": fixed_colour(colour)}) for queue, colour in QUEUE_COLOURS.items()]
    return replace(panel, overrides=[*panel.overrides, *coloured])

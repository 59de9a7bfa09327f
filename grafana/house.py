"""What all dashboards of this stack have in common: variables, annotations, colours, hints."""

from __future__ import annotations

from collections.abc import Sequence

from grafanalib.core import Dashboard, Template

from grafana.layer import dashboard as layer
from grafana.layer.fields import thresholds
from grafana.layer.layout import Heading, Row
from grafana.links import TITLES
from grafana.queries import alerts, recorded
from grafana.queries.promql import QUEUE, select
from scheduler import catalogue

TAG = "rq"
DATA_SOURCE_UID = "prometheus"
DATA_SOURCE_NAME = "Prometheus"
"""As provisioning/datasources/datasources.yml has them."""

DATA_SOURCE = layer.data_source_variable(DATA_SOURCE_UID, DATA_SOURCE_NAME)
QUEUE_CHOICE = layer.label_variable("queue", "Queue", catalogue.JOBS.name)
FUNCTION_CHOICE = layer.label_variable("function", "Function", select(recorded.PROCESSED, QUEUE))
CRON_FUNCTION_CHOICE = layer.label_variable("function", "Function", select(catalogue.CRON_JOB_INFO, QUEUE))

COUNT = "none"
"""Unit of whole things: unlike `short`, it does not make 4 K of 4213."""

A_MINUTE = "suffix:/min"
"""Unit of events a minute."""

OUTCOME_COLOURS = {
    "success": "green",
    "failed": "red",
    "retried": "orange",
    "stopped": "blue",
    "abandoned": "purple",
}
RATIO_STEPS = ((0.01, "yellow"), (0.05, "red"))
WAIT_COLOURS = thresholds("green", (60, "yellow"), (600, "red"))
"""Seconds: a minute is too long for short jobs, ten minutes for any."""

ANY_IS_BAD = thresholds("green", (1, "red"))
SHARE_OF_LIMIT_STEPS = ((0.5, "yellow"), (1, "red"))
ANY_IS_ODD = thresholds("green", (1, "orange"))

NO_METRICS = "No job metrics"
NOT_MEASURED = "No job metrics: no job has ended yet, or the workers are not MonitoredWorkers"
"""In place of "No data" (in a stat, and in a graph), where the workers are plain RQ workers: those tell
rq-exporter nothing about single jobs."""

NOTHING_FAILED = "Nothing failed, or is not measured"


def rq_dashboard(
    uid: str, question: str, *, choices: Sequence[Template], rows: Sequence[Row | Heading]
) -> Dashboard:
    """A dashboard of this stack, with the given choices beside that of the data source."""
    of_queue = (alerts.OF_QUEUE,) if QUEUE_CHOICE in choices else ()
    firing = layer.annotation(
        "Firing alerts",
        alerts.alert_annotations(*of_queue),
        title="{{alertname}}",
        text="{{severity}} {{queue}}",
        tags="severity",
    )
    return layer.dashboard(
        uid,
        f"RQ / {TITLES[uid]}",
        question,
        tag=TAG,
        variables=[DATA_SOURCE, *choices],
        annotations=[firing],
        rows=rows,
    )

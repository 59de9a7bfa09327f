"""Dashboard URLs, and links that keep the reader's choices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grafana.layer.fields import Link
from rq_mon.export.dashboards import JOB_PAGES

OVERVIEW = "rq-overview"
FAILURES = "rq-failures"
DURATIONS = "rq-durations"
QUEUE_DEPTH = "rq-queue-depth"
WORKERS = "rq-workers"
CRON = "rq-cron"
JOB_FUNCTION = "rq-job-function"
STACK_HEALTH = "rq-stack-health"

_FIELD = "${__data.fields.%s:percentencode}"

TITLES = {
    OVERVIEW: "Overview",
    FAILURES: "Failures",
    DURATIONS: "Durations",
    QUEUE_DEPTH: "Queue depth",
    WORKERS: "Workers",
    CRON: "Cron",
    JOB_FUNCTION: "Job function",
    STACK_HEALTH: "Stack health",
}


def to(uid: str) -> Link:
    """A link from a panel to a dashboard that keeps all choices and the time range."""
    return Link(TITLES[uid], f"/d/{uid}?${{__all_variables}}&${{__url_time_range}}")


def cell_to(uid: str, *labels: str) -> Link:
    """A link from a table's row to a dashboard limited to the row's labels, in the row's Redis."""
    return _narrowed(uid, "__data.fields", labels)


def series_to(uid: str, *labels: str) -> Link:
    """A link from a series to a dashboard limited to the series' labels, in the series' Redis."""
    return _narrowed(uid, "__field.labels", labels)


def row_to_page(title: str, path: str, **fields: str) -> Link:
    """A link from a table's row to a job page. The row's values replace `{field}` in path and query."""
    path = re.sub(r"\{(\w+)\}", lambda match: _FIELD % match[1], path)
    if not fields:
        return _page(title, path)
    query = "&".join(f"{name}={_FIELD % field}" for name, field in fields.items())
    return _page(title, f"{path}{'&' if '?' in path else '?'}{query}")


def to_page(title: str, path: str) -> Link:
    """A link from a panel to a job page."""
    return _page(title, path)


def _page(title: str, path: str) -> Link:
    return Link(title, f"${{{JOB_PAGES}:raw}}{path}", new_tab=True)


def _narrowed(uid: str, source: str, labels: Sequence[str]) -> Link:
    choices = {label: f"${{{source}.{label}:percentencode}}" for label in ("instance", *labels)}
    variables = {"datasource": "${datasource}", **choices}
    query = "&".join(f"var-{name}={value}" for name, value in variables.items())
    return Link(TITLES[uid], f"/d/{uid}?{query}&${{__url_time_range}}")

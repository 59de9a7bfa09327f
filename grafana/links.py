"""Addresses of the dashboards, and links that carry the reader's choices on."""

from __future__ import annotations

from grafana.layer.fields import Link

OVERVIEW = "rq-overview"
FAILURES = "rq-failures"
DURATIONS = "rq-durations"
QUEUE_DEPTH = "rq-queue-depth"
WORKERS = "rq-workers"
CRON = "rq-cron"
JOB_FUNCTION = "rq-job-function"
STACK_HEALTH = "rq-stack-health"

CELL_QUEUE = "${__data.fields.queue:percentencode}"
CELL_FUNCTION = "${__data.fields.function:percentencode}"
"""Of the table row that was clicked."""

SERIES_QUEUE = "${__field.labels.queue:percentencode}"
SERIES_FUNCTION = "${__field.labels.function:percentencode}"
"""Of the series that was clicked."""


def dashboard_link(title: str, uid: str) -> Link:
    """To a dashboard, with all choices and the time range as they are."""
    return Link(title, f"/d/{uid}?${{__all_variables}}&${{__url_time_range}}")


def detail_link(title: str, uid: str, *, queue: str | None = None, function: str | None = None) -> Link:
    """To a dashboard, narrowed to what was clicked, with data source and time range as they are."""
    choices = {"datasource": "${datasource}", "queue": queue, "function": function}
    query = "&".join(f"var-{name}={value}" for name, value in choices.items() if value)
    return Link(title, f"/d/{uid}?{query}&${{__url_time_range}}")

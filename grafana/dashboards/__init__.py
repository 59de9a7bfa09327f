"""The dashboards, one module each."""

from collections.abc import Sequence

from grafanalib.core import Dashboard

from grafana.dashboards import (
    cron,
    durations,
    failures,
    job_function,
    overview,
    queue_depth,
    stack_health,
    workers,
)

DASHBOARDS: Sequence[Dashboard] = (
    overview.DASHBOARD,
    failures.DASHBOARD,
    durations.DASHBOARD,
    queue_depth.DASHBOARD,
    workers.DASHBOARD,
    cron.DASHBOARD,
    job_function.DASHBOARD,
    stack_health.DASHBOARD,
)

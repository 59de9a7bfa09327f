"""The dashboards, one module each, in the order in which they lead on to one another."""

from collections.abc import Sequence

from grafanalib.core import Dashboard

from grafana.dashboards import durations, failures, overview, queue_depth

DASHBOARDS: Sequence[Dashboard] = (
    overview.DASHBOARD,
    failures.DASHBOARD,
    durations.DASHBOARD,
    queue_depth.DASHBOARD,
)

"""Alerts of Prometheus' rules, from the series that Prometheus records about them."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import equals, selector

FIRING = equals("alertstate", "firing")
REAL = 'alertname=~"RQ.+"'
"""Our alerts without Watchdog, which always fires to prove that alerts arrive."""

OF_INSTANCE = 'instance=~"($instance)?"'
OF_QUEUE = 'queue=~"($queue)?"'
"""An alert of the chosen Redis or queues, or of none."""

SHOWN_LABELS = "alertname, severity, instance, queue"
"""The labels that identify an alert on the dashboards.

Alerts of several workers, for example, count as one.
"""


def firing_alerts(*matchers: str) -> Query:
    """Number of firing alerts."""
    firing = _firing(*matchers)
    return Query(f"count(count by ({SHOWN_LABELS}) ({firing})) or vector(0)")


def alert_annotations(*matchers: str) -> Query:
    """Marks alerts while they fire."""
    return Query(f"max by ({SHOWN_LABELS}) ({_firing(*matchers)})")


def firing_since(*matchers: str) -> Query:
    """When each firing alert became active, in milliseconds."""
    since = selector("ALERTS_FOR_STATE", REAL, OF_INSTANCE, *matchers)
    firing = _firing(*matchers)
    return Query(f"1000 * min by ({SHOWN_LABELS}) ({since} and ignoring (alertstate) {firing})")


def _firing(*matchers: str) -> str:
    return selector("ALERTS", FIRING, REAL, OF_INSTANCE, *matchers)

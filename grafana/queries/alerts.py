"""Alerts of Prometheus' rules, as Prometheus itself records them."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import equals, selector

FIRING = equals("alertstate", "firing")
REAL = 'alertname=~"RQ.+"'
"""Ours, whatever else Prometheus watches. The Watchdog always fires: it proves that alerts arrive."""

OF_INSTANCE = 'instance=~"($instance)?"'
OF_QUEUE = 'queue=~"($queue)?"'
"""An alert of the chosen Redis or queues, or of none."""

SHOWN_LABELS = "alertname, severity, instance, queue"
"""What tells alerts apart on the dashboards; alerts of several workers, say, are one."""


def firing_alerts(*matchers: str) -> Query:
    """How many alerts fire now."""
    firing = _firing(*matchers)
    return Query(f"count(count by ({SHOWN_LABELS}) ({firing})) or vector(0)")


def alert_annotations(*matchers: str) -> Query:
    """Alerts while they fire."""
    return Query(f"max by ({SHOWN_LABELS}) ({_firing(*matchers)})")


def firing_since(*matchers: str) -> Query:
    """When each alert that fires now became active, in milliseconds."""
    since = selector("ALERTS_FOR_STATE", REAL, OF_INSTANCE, *matchers)
    firing = _firing(*matchers)
    return Query(f"1000 * min by ({SHOWN_LABELS}) ({since} and ignoring (alertstate) {firing})")


def _firing(*matchers: str) -> str:
    return selector("ALERTS", FIRING, REAL, OF_INSTANCE, *matchers)

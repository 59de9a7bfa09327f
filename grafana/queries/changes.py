"""What changed, from recording rules: each change is a series of five minutes."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import select


def new_versions() -> Query:
    """Versions of the application's code that no worker ran before."""
    return _changes(recorded.NEW_VERSIONS, "version")


def cron_changes() -> Query:
    """Cron jobs that were added or removed; one whose schedule changed is both."""
    return _changes(recorded.CRON_CHANGES, "change, cron_job, function, schedule")


def redis_restarts() -> Query:
    """Restarts of Redis."""
    return _changes(recorded.REDIS_RESTARTS)


def _changes(series: str, labels: str = "") -> Query:
    return Query(f"max by ({', '.join(filter(None, ('instance', labels)))}) ({select(series)})")

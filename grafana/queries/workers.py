"""Who works: the workers that are registered in Redis, and what they do."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import equals, select
from scheduler import catalogue

OF_QUEUE = 'queues=~"(.+,)?($queue)(,.+)?"'
"""A worker that listens to one of the chosen queues: rq-exporter lists them in one label."""


def _workers(*matchers: str) -> str:
    return select(catalogue.WORKERS, OF_QUEUE, *matchers)


def busy_share() -> Query:
    """Which part of the live workers runs a job."""
    busy = f"(count({_workers(equals('state', 'busy'))}) or 0 * count({_workers()}))"
    return Query(f"{busy} / count({_workers()})")

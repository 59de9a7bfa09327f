"""What runs by the clock."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import QUEUE, select
from scheduler import catalogue

LATE = 60
"""Seconds after its time from which a tick counts as late: cron's own resolution."""


def _jobs() -> str:
    return f"max by (cron_job) ({select(catalogue.CRON_JOB_INFO, QUEUE)})"


def _late_by() -> str:
    next_tick = f"max by (cron_job) ({catalogue.CRON_JOB_NEXT_TICK.name}) and on (cron_job) {_jobs()}"
    return f"clamp_min(time() - ({next_tick}), 0)"


def late_jobs() -> Query:
    """How many cron jobs are late."""
    return Query(f"count({_late_by()} > {LATE}) or 0 * count({_jobs()})")

"""Backlog, arrivals and departures of queues."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import (
    BY_QUEUE,
    PER_MINUTE,
    QUEUE,
    equals,
    from_rates,
    named,
    one_of,
    over_step,
    select,
    with_zero,
)
from rq_mon import catalogue
from rq_mon.catalogue import Metric

QUEUED = equals("status", "queued")
ENDLESS = 30 * 86400
"""Seconds above which a time to drain is no longer an estimate."""

IN_QUEUE_OR_RUNNING = one_of("status", ("queued", "started"))


def _jobs(*matchers: str) -> str:
    return select(catalogue.JOBS, QUEUE, *matchers)


def depth() -> Query:
    """Waiting jobs, by queue."""
    return Query(f"sum by ({BY_QUEUE}) ({_jobs(QUEUED)})", named("queue"))


def depth_in_all() -> Query:
    """Waiting jobs."""
    return Query(f"sum({_jobs(QUEUED)})", "queued")


def by_status() -> Query:
    """Jobs in each state, including ended ones that RQ still keeps."""
    return Query(f"sum by (status) ({_jobs()})", "{{status}}")


def in_state(status: str) -> Query:
    """Jobs in a state, by queue."""
    return Query(f"sum by ({BY_QUEUE}) ({_jobs(equals('status', status))})", named("queue"))


def in_state_in_all(status: str) -> Query:
    """Jobs in a state, of all worker classes."""
    return Query(f"sum({_jobs(equals('status', status))})")


def oldest_age() -> Query:
    """Age of the oldest waiting job, by queue."""
    return _gauge(catalogue.QUEUE_OLDEST_JOB_AGE)


def oldest_age_of_all() -> Query:
    """Age of the job that has waited longest."""
    return Query(f"max({select(catalogue.QUEUE_OLDEST_JOB_AGE, QUEUE)})")


def workers() -> Query:
    """Live workers that listen, by queue."""
    return _gauge(catalogue.QUEUE_WORKERS)


def workers_needed() -> Query:
    """How many workers each queue needs now to keep its wait objective."""
    return Query(f"max by ({BY_QUEUE}) ({select(recorded.WORKERS_NEEDED, QUEUE)})", named("queue"))


def workers_needed_at_peak() -> Query:
    """How many workers each queue needed at its peak in the last 24 hours."""
    return Query(f"max by ({BY_QUEUE}) ({select(recorded.WORKERS_NEEDED_AT_PEAK, QUEUE)})", named("queue"))


def without_workers() -> Query:
    """Number of queues with jobs but without workers."""
    with_jobs = f"sum by ({BY_QUEUE}) ({_jobs(QUEUED)}) > 0"
    served = f"{select(catalogue.QUEUE_WORKERS, QUEUE)} > 0"
    return Query(with_zero(f"count({with_jobs} unless on ({BY_QUEUE}) ({served}))", _jobs(QUEUED)))


def overdue() -> Query:
    """Overdue scheduled jobs, by queue."""
    return _gauge(catalogue.QUEUE_OVERDUE_SCHEDULED_JOBS)


def overdue_in_all() -> Query:
    """Overdue scheduled jobs: the minimum of the last minute.

    RQ's scheduler polls every second, so a few jobs are always due.
    """
    overdue_ = select(catalogue.QUEUE_OVERDUE_SCHEDULED_JOBS, QUEUE)
    return Query(f"sum(min_over_time({overdue_}[1m]))")


def stuck() -> Query:
    """Started jobs whose worker is dead, by queue."""
    return _gauge(catalogue.QUEUE_STUCK_JOBS)


def stuck_in_all() -> Query:
    """Started jobs whose worker is dead."""
    return _gauge_in_all(catalogue.QUEUE_STUCK_JOBS)


def stuck_deferred() -> Query:
    """Deferred jobs that will never run, by queue."""
    return _gauge(catalogue.QUEUE_STUCK_DEFERRED_JOBS)


def stuck_deferred_in_all() -> Query:
    """Deferred jobs that will never run."""
    return _gauge_in_all(catalogue.QUEUE_STUCK_DEFERRED_JOBS)


def expired() -> Query:
    """Jobs that expired before they started, a minute, by queue."""
    rate = f"rate({select(catalogue.QUEUE_EXPIRED_JOBS, QUEUE)}[$__rate_interval])"
    return Query(f"{PER_MINUTE} * sum by ({BY_QUEUE}) ({rate})", named("queue"))


def _gauge(metric: Metric) -> Query:
    return Query(f"max by ({BY_QUEUE}) ({select(metric, QUEUE)})", named("queue"))


def _gauge_in_all(metric: Metric) -> Query:
    return Query(f"sum({select(metric, QUEUE)})")


def departures() -> Query:
    """Executions that ended, a minute, of all queues."""
    rate = over_step(select(recorded.COMPLETION_RATE, QUEUE))
    return from_rates(f"{PER_MINUTE} * sum({rate})", "ended")


def arrivals() -> Query:
    """Jobs that entered the queues, a minute, of all queues: executions that ended, plus the growth.

    RQ counts no arrivals. Retries and delayed jobs arrive when they enter the queue.
    """
    ended = over_step(select(recorded.COMPLETION_RATE, QUEUE))
    growth = f"deriv({_jobs(IN_QUEUE_OR_RUNNING)}[5m])"
    return from_rates(f"{PER_MINUTE} * clamp_min(sum({ended}) + sum({growth}), 0)", "arrived")


def time_to_drain() -> Query:
    """Time to drain the backlog at the rate of the last five minutes, by queue.

    A rate of zero counts as a tiny one, so that the time is ENDLESS. An empty queue counts as drained.
    """
    return from_rates(_time_to_drain(), named("queue"))


def time_to_drain_over_time() -> Query:
    """The same without queues that do not drain, because those would dwarf the others."""
    return from_rates(f"{_time_to_drain()} < {ENDLESS}", named("queue"))


def _time_to_drain() -> str:
    rate = f"sum by ({BY_QUEUE}) ({select(recorded.COMPLETION_RATE, QUEUE)})"
    return f"sum by ({BY_QUEUE}) ({_jobs(QUEUED)}) / on ({BY_QUEUE}) clamp_min({rate}, 1e-9)"

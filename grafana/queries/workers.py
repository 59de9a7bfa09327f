"""Who works: the workers that are registered in Redis, and what they do. True for any RQ worker."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import BY_QUEUE, BY_WORKER, QUEUE, equals, named, select, with_zero
from grafana.queries.uninstrumented import OF_QUEUE, uninstrumented
from rq_mon import catalogue
from rq_mon.catalogue import Metric

STATES = ("started", "idle", "busy", "suspended")
"""RQ's states of a worker; the place in this list, from 1, is its number in a timeline."""

SATURATED = 0.9
"""Share of busy workers from which more work makes jobs wait."""

HEALTHY_EXPIRY = 30
"""Seconds: a worker that reports in time is never nearer to being forgotten, whatever its settings."""


def _workers(*matchers: str) -> str:
    return select(catalogue.WORKERS, OF_QUEUE, *matchers)


def _of_chosen_workers(series: str) -> str:
    """The maximum by worker, of the workers that listen to the chosen queues."""
    return f"(max by ({BY_WORKER}) ({series}) and on ({BY_WORKER}) {_workers()})"


def up() -> Query:
    """Live workers."""
    # Zero only where Redis could be read and had none.
    return Query(f"count({_workers()}) or 0 * max({select(catalogue.REDIS_UP)} == 1)")


def in_state(state: str) -> Query:
    """Live workers in a state."""
    return Query(with_zero(f"count({_workers(equals('state', state))})", _workers()), state)


def by_state() -> Query:
    """Live workers by state."""
    return Query(f"count by (state) ({_workers()})", "{{state}}")


def by_queue() -> Query:
    """Live workers that listen, by queue."""
    return Query(f"max by ({BY_QUEUE}) ({select(catalogue.QUEUE_WORKERS, QUEUE)})", named("queue"))


def not_counting() -> Query:
    """Live workers whose jobs leave no durations, waits and failures, by queue; none of what has none."""
    return Query(uninstrumented(BY_QUEUE), named("queue"))


def busy_share() -> Query:
    """Which part of the live workers runs a job."""
    busy = with_zero(f"count({_workers(equals('state', 'busy'))})", _workers())
    return Query(f"({busy}) / count({_workers()})")


def utilisation() -> Query:
    """Share of time that a queue's workers spent on its jobs.

    Counted from the scrapes that saw a worker busy, not from run times. Those are known only when a job ends:
    a long job would show as nothing, and then as more than all.
    """
    running = select(catalogue.WORKER_JOB_RUNNING, QUEUE)
    busy = f"sum by ({BY_QUEUE}) (count_over_time({running}[$__rate_interval]))"
    there = (
        f"sum by ({BY_QUEUE}) (sum_over_time({select(catalogue.QUEUE_WORKERS, QUEUE)}[$__rate_interval])) > 0"
    )
    return Query(f"({busy} or 0 * ({there})) / ({there})", named("queue"))


def by_version() -> Query:
    """Live workers, by the version of the code that they report."""
    versions = select(catalogue.WORKER_VERSION_INFO)
    of_each = f"max by ({BY_WORKER}, version) ({versions}) and on ({BY_WORKER}) {_workers()}"
    return Query(f"count by (instance, version) ({of_each})", named("version"))


def states() -> Query:
    """The number of each worker's state."""
    return Query(f"max by ({BY_WORKER}) ({_numbers()})", named("name"))


def state_now() -> Query:
    """The number of each worker's state, with the queues it listens to."""
    return Query(f"max by ({BY_WORKER}, queues) ({_numbers()})")


def _numbers() -> str:
    return " or ".join(
        f"{number} * {_workers(equals('state', state))}" for number, state in enumerate(STATES, start=1)
    )


def heartbeat_age() -> Query:
    """Time since each worker last reported."""
    return Query(f"time() - {_of_chosen_workers(select(catalogue.WORKER_LAST_HEARTBEAT))}", named("name"))


def forgotten_in() -> Query:
    """Time until RQ forgets each worker, unless it reports."""
    return Query(_of_chosen_workers(select(catalogue.WORKER_EXPIRES_IN)), named("name"))


def overdue_heartbeats() -> Query:
    """How many workers should have reported long ago, and will soon be forgotten."""
    return Query(with_zero(f"count({forgotten_in().expr} < {HEALTHY_EXPIRY})", _workers()))


def running_job() -> Query:
    """Run time so far of the jobs that run now; function and id of those longer than their objective."""
    running = f"max by ({BY_WORKER}, queue) ({select(catalogue.WORKER_JOB_RUNNING, QUEUE)})"
    long = select(catalogue.WORKER_LONG_JOB_INFO, QUEUE)
    named_job = f"max by ({BY_WORKER}, queue, function, job_id) ({long})"
    with_name = f"{running} * on ({BY_WORKER}, queue) group_left (function, job_id) {named_job}"
    return Query(f"{with_name} or ({running} unless on ({BY_WORKER}, queue) {long})", named("name"))


def running_of_timeout() -> Query:
    """Run time so far of the jobs that run now, as a share of the time after which they are ended."""
    return Query(_of_timeout(), named("name"))


def nearest_to_timeout() -> Query:
    """The same of the job that is nearest to its end, by queue."""
    return Query(f"max by ({BY_QUEUE}) ({_of_timeout()})", named("queue"))


def _of_timeout() -> str:
    running, timeout = (
        f"max by ({BY_WORKER}, queue) ({select(metric, QUEUE)})"
        for metric in (catalogue.WORKER_JOB_RUNNING, catalogue.WORKER_JOB_TIMEOUT)
    )
    return f"{running} / {timeout}"


def longest_running() -> Query:
    """Run time so far of the job that has been running longest, by queue."""
    return Query(f"max by ({BY_QUEUE}) ({select(catalogue.WORKER_JOB_RUNNING, QUEUE)})", named("queue"))


def succeeded() -> Query:
    """Jobs of each live worker that succeeded in the time range."""
    return _increase(catalogue.WORKERS_SUCCESS)


def failed() -> Query:
    """Jobs of each live worker that failed in the time range."""
    return _increase(catalogue.WORKERS_FAILED)


def _increase(metric: Metric) -> Query:
    return Query(_of_chosen_workers(f"increase({select(metric, OF_QUEUE)}[$__range])"))


def working_share() -> Query:
    """Which part of the chosen time each live worker ran jobs that have ended."""
    return Query(_of_chosen_workers(f"rate({select(catalogue.WORKERS_WORKING_TIME, OF_QUEUE)}[$__range])"))


def appeared() -> Query:
    """Workers that were not there one step of the graph before."""
    return Query(_count_without(now=_workers(), others=f"{_workers()} offset $__interval"), "appeared")


def gone() -> Query:
    """Workers that were there one step of the graph before, and are no more."""
    return Query(_count_without(now=f"{_workers()} offset $__interval", others=_workers()), "gone")


def _count_without(now: str, others: str) -> str:
    return with_zero(f"count(max by ({BY_WORKER}) ({now}) unless on ({BY_WORKER}) {others})", _workers())

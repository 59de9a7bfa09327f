"""Workers that are registered in Redis, and what they do. Works for any RQ worker."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries.promql import BY_QUEUE, BY_WORKER, QUEUE, equals, named, select, with_zero
from grafana.queries.uninstrumented import OF_QUEUE, uninstrumented
from rq_mon import catalogue
from rq_mon.catalogue import Metric

STATES = ("started", "idle", "busy", "suspended")
"""RQ's states of a worker. The position in this list, from 1, is the state's number in a timeline."""

SATURATED = 0.9
"""The share of busy workers above which jobs begin to wait."""

HEALTHY_EXPIRY = 30
"""Seconds: a worker with timely heartbeats never comes closer to its key's expiry, in any settings."""


def _workers(*matchers: str) -> str:
    return select(catalogue.WORKERS, OF_QUEUE, *matchers)


def _of_chosen_workers(series: str) -> str:
    """The maximum by worker, for workers that listen to the chosen queues."""
    return f"(max by ({BY_WORKER}) ({series}) and on ({BY_WORKER}) {_workers()})"


def up() -> Query:
    """Live workers."""
    # Zero only if Redis could be read and had none.
    return Query(f"count({_workers()}) or 0 * max({select(catalogue.REDIS_UP)} == 1)")


def in_state(state: str) -> Query:
    """Live workers in a state."""
    return Query(with_zero(f"count({_workers(equals('state', state))})", _workers()), state)


def by_state() -> Query:
    """Live workers by state."""
    return Query(f"count by (state) ({_workers()})", "{{state}}")


def by_queue() -> Query:
    """Live workers by queue."""
    return Query(f"max by ({BY_QUEUE}) ({select(catalogue.QUEUE_WORKERS, QUEUE)})", named("queue"))


def not_counting() -> Query:
    """Live workers whose jobs leave no durations, waits and failures, by queue, without zeros."""
    return Query(uninstrumented(BY_QUEUE), named("queue"))


def busy_share() -> Query:
    """The share of live workers that run a job."""
    busy = with_zero(f"count({_workers(equals('state', 'busy'))})", _workers())
    return Query(f"({busy}) / count({_workers()})")


def utilisation() -> Query:
    """The share of time that a queue's workers spent on its jobs.

    Counted from scrapes that saw a worker busy. Run times are only known when a job ends: a long job would
    count as nothing at first, and then as more than 100%.
    """
    running = select(catalogue.WORKER_JOB_RUNNING, QUEUE)
    busy = f"sum by ({BY_QUEUE}) (count_over_time({running}[$__rate_interval]))"
    there = (
        f"sum by ({BY_QUEUE}) (sum_over_time({select(catalogue.QUEUE_WORKERS, QUEUE)}[$__rate_interval])) > 0"
    )
    return Query(f"({busy} or 0 * ({there})) / ({there})", named("queue"))


def by_version() -> Query:
    """Live workers by the code version that they report."""
    versions = select(catalogue.WORKER_VERSION_INFO)
    of_each = f"max by ({BY_WORKER}, version) ({versions}) and on ({BY_WORKER}) {_workers()}"
    return Query(f"count by (instance, version) ({of_each})", named("version"))


def states() -> Query:
    """The number of each worker's state."""
    return Query(f"max by ({BY_WORKER}) ({_numbers()})", named("name"))


def state_now() -> Query:
    """The number of each worker's state, with its queues."""
    return Query(f"max by ({BY_WORKER}, queues) ({_numbers()})")


def _numbers() -> str:
    return " or ".join(
        f"{number} * {_workers(equals('state', state))}" for number, state in enumerate(STATES, start=1)
    )


def heartbeat_age() -> Query:
    """Time since each worker's last heartbeat."""
    return Query(f"time() - {_of_chosen_workers(select(catalogue.WORKER_LAST_HEARTBEAT))}", named("name"))


def forgotten_in() -> Query:
    """Time until RQ forgets each worker, unless it sends a heartbeat."""
    return Query(_of_chosen_workers(select(catalogue.WORKER_EXPIRES_IN)), named("name"))


def overdue_heartbeats() -> Query:
    """Number of workers whose heartbeat is overdue, so that RQ will soon forget them."""
    return Query(with_zero(f"count({forgotten_in().expr} < {HEALTHY_EXPIRY})", _workers()))


def running_job() -> Query:
    """Run time so far of running jobs, with function and id of those above the run objective."""
    running = f"max by ({BY_WORKER}, queue) ({select(catalogue.WORKER_JOB_RUNNING, QUEUE)})"
    long = select(catalogue.WORKER_LONG_JOB_INFO, QUEUE)
    named_job = f"max by ({BY_WORKER}, queue, function, job_id) ({long})"
    with_name = f"{running} * on ({BY_WORKER}, queue) group_left (function, job_id) {named_job}"
    return Query(f"{with_name} or ({running} unless on ({BY_WORKER}, queue) {long})", named("name"))


def running_of_timeout() -> Query:
    """Run time so far of running jobs, as a share of their timeout."""
    return Query(_of_timeout(), named("name"))


def nearest_to_timeout() -> Query:
    """The same for the job closest to its timeout, by queue."""
    return Query(f"max by ({BY_QUEUE}) ({_of_timeout()})", named("queue"))


def _of_timeout() -> str:
    running, timeout = (
        f"max by ({BY_WORKER}, queue) ({select(metric, QUEUE)})"
        for metric in (catalogue.WORKER_JOB_RUNNING, catalogue.WORKER_JOB_TIMEOUT)
    )
    return f"{running} / {timeout}"


def longest_running() -> Query:
    """Run time so far of the longest running job, by queue."""
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
    """The share of the time range in which each live worker ran jobs that have ended."""
    return Query(_of_chosen_workers(f"rate({select(catalogue.WORKERS_WORKING_TIME, OF_QUEUE)}[$__range])"))


def appeared() -> Query:
    """Workers that were missing one step of the graph earlier."""
    return Query(_count_without(now=_workers(), others=f"{_workers()} offset $__interval"), "appeared")


def gone() -> Query:
    """Workers that existed one step of the graph earlier, and are gone."""
    return Query(_count_without(now=f"{_workers()} offset $__interval", others=_workers()), "gone")


def _count_without(now: str, others: str) -> str:
    return with_zero(f"count(max by ({BY_WORKER}) ({now}) unless on ({BY_WORKER}) {others})", _workers())

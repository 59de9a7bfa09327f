"""Each queue's objectives, and how well it keeps them."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import BY_QUEUE, QUEUE, from_rates, named, select
from rq_mon import catalogue
from rq_mon.catalogue import Metric

FAR_BEYOND = 1_000_000
"""More budgets than a queue can use up: the start of the colour scale."""


def promised() -> Query:
    """The target share of jobs for each objective, by queue and objective."""
    return Query(f"max by ({BY_QUEUE}, objective) ({select(catalogue.QUEUE_OBJECTIVE_RATIO, QUEUE)})")


def kept() -> Query:
    """The actual share of jobs in the time range for each objective, by queue and objective."""
    return from_rates(f"1 - {_broken()}")


def budget_left() -> Query:
    """The remaining share of the error budget in the time range; below 0 it is overspent."""
    return from_rates(
        f"1 - {_broken()} / on ({BY_QUEUE}, objective) {select(recorded.OBJECTIVE_BUDGET, QUEUE)}"
    )


def _broken() -> str:
    errors, events = (
        f"sum by ({BY_QUEUE}, objective) (sum_over_time({select(name, QUEUE)}[$__range]))"
        for name in (recorded.OBJECTIVE_ERRORS, recorded.OBJECTIVE_EVENTS)
    )
    return f"{errors} / ({events} > 0)"


def age_of_wait_objective() -> Query:
    """Age of the oldest job in the queue, as a share of the wait objective, by queue."""
    age = f"max by ({BY_QUEUE}) ({select(catalogue.QUEUE_OLDEST_JOB_AGE, QUEUE)})"
    return Query(f"{age} / {_seconds(catalogue.QUEUE_OBJECTIVE_WAIT)}", named("queue"))


def running_of_run_objective() -> Query:
    """Run time so far of the running jobs, as a share of the run objective."""
    running = f"max by ({BY_QUEUE}, name) ({select(catalogue.WORKER_JOB_RUNNING, QUEUE)})"
    limit = _seconds(catalogue.QUEUE_OBJECTIVE_RUN)
    return Query(f"{running} / on ({BY_QUEUE}) group_left () {limit}", named("name"))


def _seconds(objective: Metric) -> str:
    return f"max by ({BY_QUEUE}) ({select(objective, QUEUE)})"

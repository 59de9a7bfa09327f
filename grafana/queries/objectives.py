"""What each queue promises, and how far that was kept."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.jobs import ENDED, FAILED
from grafana.queries.promql import QUEUE, equals, from_rates, over_range, select
from scheduler import catalogue
from scheduler.catalogue import Metric

ALL = equals("le", "+Inf")


def promised() -> Query:
    """The share of jobs that has to keep each objective, by queue and objective."""
    return Query(_promised())


def kept() -> Query:
    """The share of the jobs in the chosen time that kept each objective, by queue and objective."""
    return from_rates(_kept())


def budget_left() -> Query:
    """Which part of what may go wrong in the chosen time has not; below 0, more went wrong than may."""
    return from_rates(f"1 - (1 - ({_kept()})) / (1 - {_promised()})")


def age_of_wait_objective() -> Query:
    """Age of the job at the head, as a share of the time in which jobs have to start, by queue."""
    age = f"max by (queue) ({select(catalogue.QUEUE_OLDEST_JOB_AGE, QUEUE)})"
    return Query(f"{age} / {_seconds(catalogue.QUEUE_OBJECTIVE_WAIT)}", "{{queue}}")


def running_of_run_objective() -> Query:
    """Run time so far of the jobs that run now, as a share of the time in which they have to end."""
    running = f"max by (name, queue) ({select(catalogue.WORKER_JOB_RUNNING, QUEUE)})"
    limit = _seconds(catalogue.QUEUE_OBJECTIVE_RUN)
    return Query(f"{running} / on (queue) group_left () {limit}", "{{name}}")


def _seconds(objective: Metric) -> str:
    return f"max by (queue) ({select(objective, QUEUE)})"


def _promised() -> str:
    return f"max by (queue, objective) ({select(catalogue.QUEUE_OBJECTIVE_RATIO, QUEUE)})"


def _kept() -> str:
    shares = {
        "success": _succeeded(),
        "wait": _in_time(recorded.WAIT_BUCKETS, catalogue.QUEUE_OBJECTIVE_WAIT),
        "run": _in_time(recorded.DURATION_BUCKETS, catalogue.QUEUE_OBJECTIVE_RUN),
    }
    return " or ".join(
        f'label_replace({share}, "objective", "{kind}", "", "")' for kind, share in shares.items()
    )


def _succeeded() -> str:
    failed, ended = (
        f"sum by (queue) (increase({select(recorded.PROCESSED, QUEUE, how)}[$__range]))"
        for how in (FAILED, ENDED)
    )
    return f"1 - {failed} / ({ended} > 0)"


def _in_time(metric: str, objective: Metric) -> str:
    # The exporter says which bucket ends at the objective.
    buckets = f"sum by (queue, le) ({over_range(select(metric, QUEUE))})"
    within = f"sum by (queue) ({buckets} and on (queue, le) {select(objective, QUEUE)})"
    in_all = f"sum by (queue) ({over_range(select(metric, QUEUE, ALL))})"
    return f"{within} / ({in_all} > 0)"

"""Uninstrumented workers: what is still known where RQ's own workers run, and what is not.

RQ counts only, for each worker, how many executions succeeded and how many failed, retried ones included.
These counts cover all workers, so they replace the job metrics as long as one uninstrumented worker listens.
"""

from __future__ import annotations

from grafana.queries.promql import BY_QUEUE, FUNCTION, QUEUE, select, total
from rq_mon import catalogue
from rq_mon.catalogue import Metric

OF_QUEUE = 'queues=~"(.+,)?($queue)(,.+)?"'
"""A worker that listens to one of the chosen queues: rq-exporter lists them in one label."""

ONE_QUEUE = '"queue", "$1", "queues", "([^,]+)"'
"""For label_replace: the queue of a worker that listens to one; RQ's counts of others belong to no queue."""

RATE = "rate", "$__rate_interval"
INCREASE = "increase", "$__range"


def uninstrumented(by: str = "") -> str:
    """How many live workers count no jobs; nothing where there is none."""
    return f"{_not_counting(by)} > 0"


def _not_counting(by: str = "") -> str:
    listening, counting = (
        total(select(metric, QUEUE), by)
        for metric in (catalogue.QUEUE_WORKERS, catalogue.QUEUE_MONITORED_WORKERS)
    )
    return f"{listening} - {counting}"


def known_zero(count: str) -> str:
    """A count of all jobs, which is shown as 0 only where every live worker counts its jobs."""
    return f"({count}) > (({_not_counting()} > bool 0) - 1 or vector(-1))"


def replaced(ours: str, theirs: str, *matchers: str, by: str = "") -> str:
    """The job metrics' answer, or RQ's own where uninstrumented workers listen.

    RQ knows no functions, so its answer is left out where some are chosen.
    """
    on, some = f"on ({by})", uninstrumented(by)
    if FUNCTION in matchers:
        theirs = f"({theirs}) and on () {_every_function()}"
    return f"(({theirs}) and {on} ({some})) or (({ours}) unless {on} ({some}))"


def _every_function() -> str:
    # A choice that matches the name of a Redis is "All".
    named_so = select(catalogue.REDIS_UP, 'instance=~"$function"')
    return f"max({named_so})"


def ended_by_outcome(window: tuple[str, str]) -> str:
    """RQ's own counts of executions that ended, as success and as failed."""
    counts = (("success", catalogue.WORKERS_SUCCESS), ("failed", catalogue.WORKERS_FAILED))
    return " or ".join(
        f'label_replace({_counted(metric, window)}, "outcome", "{outcome}", "", "")'
        for outcome, metric in counts
    )


def ended(window: tuple[str, str]) -> str:
    """RQ's own counts of executions that ended."""
    return f"{_counted(catalogue.WORKERS_SUCCESS, window)} + {_counted(catalogue.WORKERS_FAILED, window)}"


def failure_ratio(window: tuple[str, str], by: str = "") -> str:
    """RQ's own failure ratio: of all executions, or by queue."""
    failed, succeeded = (
        _counted(metric, window, by) for metric in (catalogue.WORKERS_FAILED, catalogue.WORKERS_SUCCESS)
    )
    return f"{failed} / ({failed} + {succeeded} > 0)"


def _counted(metric: Metric, window: tuple[str, str], by: str = "") -> str:
    function, time = window
    counts = f"{function}({select(metric, OF_QUEUE)}[{time}])"
    return total(f"label_replace({counts}, {ONE_QUEUE})" if by == BY_QUEUE else counts, by)

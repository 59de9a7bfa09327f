"""Uninstrumented workers: what RQ's own workers report, and what is unknown.

RQ counts only how many executions of each worker succeeded and failed, including retried ones. These counts
cover all workers. So they replace the job metrics while any uninstrumented worker listens.
"""

from __future__ import annotations

from grafana.queries.promql import BY_QUEUE, FUNCTION, QUEUE, select, total
from rq_mon import catalogue
from rq_mon.catalogue import Metric

OF_QUEUE = 'queues=~"(.+,)?($queue)(,.+)?"'
"""A worker that listens to one of the chosen queues: rq-exporter lists its queues in one label."""

ONE_QUEUE = '"queue", "$1", "queues", "([^,]+)"'
"""For label_replace: the queue of a worker with one queue.

RQ's counts of other workers belong to no queue.
"""

RATE = "rate", "$__rate_interval"
INCREASE = "increase", "$__range"


def uninstrumented(by: str = "") -> str:
    """Number of live workers that count no jobs; no result if there are none."""
    return f"{_not_counting(by)} > 0"


def _not_counting(by: str = "") -> str:
    listening, counting = (
        total(select(metric, QUEUE), by)
        for metric in (catalogue.QUEUE_WORKERS, catalogue.QUEUE_MONITORED_WORKERS)
    )
    return f"{listening} - {counting}"


def known_zero(count: str) -> str:
    """A count of all jobs. It is 0 only if every live worker counts its jobs."""
    return f"({count}) > (({_not_counting()} > bool 0) - 1 or vector(-1))"


def replaced(ours: str, theirs: str, *matchers: str, by: str = "") -> str:
    """The answer of the job metrics, or RQ's own if uninstrumented workers listen.

    RQ's counts have no functions, so there is no answer if some functions are chosen.
    """
    on, some = f"on ({by})", uninstrumented(by)
    if FUNCTION in matchers:
        theirs = f"({theirs}) and on () {_every_function()}"
    return f"(({theirs}) and {on} ({some})) or (({ours}) unless {on} ({some}))"


def _every_function() -> str:
    # A choice that matches the name of a Redis means "All".
    named_so = select(catalogue.REDIS_UP, 'instance=~"$function"')
    return f"max({named_so})"


def ended_by_outcome(window: tuple[str, str]) -> str:
    """RQ's own counts of executions, by success and failure."""
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
    # failed / (failed + succeeded), but each is read once: over a week they take most of the time.
    return f"1 / (1 + {succeeded} / {failed}) >= 0"


def _counted(metric: Metric, window: tuple[str, str], by: str = "") -> str:
    function, time = window
    counts = f"{function}({select(metric, OF_QUEUE)}[{time}])"
    return total(f"label_replace({counts}, {ONE_QUEUE})" if by == BY_QUEUE else counts, by)

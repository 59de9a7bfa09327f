"""How long jobs ran, and how long they had waited before."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import (
    BY_QUEUE,
    FUNCTION,
    QUEUE,
    from_histograms,
    named,
    over_range,
    over_step,
    quantile,
    select,
)
from rq_mon import catalogue

QUANTILES = (0.5, 0.95, 0.99)


def percentile(q: float) -> str:
    """The name of a quantile, such as p95."""
    return f"p{round(q * 100)}"


def _run_buckets(*matchers: str) -> str:
    return select(recorded.DURATION_BUCKETS, *matchers)


def _wait_buckets() -> str:
    return select(recorded.WAIT_BUCKETS, QUEUE)


def run_quantiles_over_time(*matchers: str) -> list[Query]:
    """p50, p95 and p99 of run times over time."""
    buckets = over_step(_run_buckets(*matchers))
    return [from_histograms(quantile(q, buckets, by=""), percentile(q)) for q in QUANTILES]


def run_by_queue_over_time(q: float, *matchers: str) -> Query:
    """A quantile of run times over time, by queue."""
    return from_histograms(quantile(q, over_step(_run_buckets(*matchers)), BY_QUEUE), named("queue"))


def run_by_function_over_time(q: float, *matchers: str) -> Query:
    """A quantile of run times over time, by function and queue."""
    return from_histograms(quantile(q, over_step(_run_buckets(*matchers))), named("function", "queue"))


def run(q: float, by: str, *matchers: str) -> Query:
    """A quantile of the run times in the chosen time, by labels."""
    return from_histograms(quantile(q, over_range(_run_buckets(*matchers)), by), percentile(q))


def run_by_function(q: float, *matchers: str) -> Query:
    """A quantile of the run times in the chosen time, by function and queue."""
    return from_histograms(quantile(q, over_range(_run_buckets(*matchers))), percentile(q))


def wait_over_time(q: float) -> Query:
    """A quantile of times in the queue over time, by queue."""
    return from_histograms(quantile(q, over_step(_wait_buckets())), named("queue"))


def wait(q: float) -> Query:
    """A quantile of the times in the queue in the chosen time."""
    return from_histograms(quantile(q, over_range(_wait_buckets()), by=""), percentile(q))


def wait_by_queue(q: float) -> Query:
    """A quantile of the times in the queue in the chosen time, by queue."""
    return from_histograms(quantile(q, over_range(_wait_buckets())), percentile(q))


def run_histogram() -> Query:
    """Jobs ended a second by bucket of run time, with exemplars.

    Exemplars hang on the raw series, and Prometheus finds them by the selector, whatever its offset: the
    second part never adds anything to the first, but names them, without having their samples read.
    """
    buckets = f"sum by (le) ({over_step(_run_buckets(QUEUE, FUNCTION))})"
    raw = select(f"{catalogue.JOB_DURATION.name}_bucket", QUEUE, FUNCTION)
    return from_histograms(f"{buckets} or sum by (le) ({raw} offset 100y)", "{{le}}", exemplars=True)


def wait_histogram() -> Query:
    """Jobs ended a second by bucket of time in the queue."""
    return from_histograms(f"sum by (le) ({over_step(_wait_buckets())})", "{{le}}")


def run_mean(by: str, *matchers: str) -> Query:
    """Mean run time in the chosen time."""
    total, count = (
        f"sum by ({by}) ({over_range(select(name, *matchers))})"
        for name in (recorded.DURATION_SUM, recorded.DURATION_COUNT)
    )
    return from_histograms(f"{total} / ({count} > 0)", "mean")


def share_of_work(by: str) -> Query:
    """Which part of all time that jobs ran for, in the chosen time, went into these."""
    work = over_range(select(recorded.DURATION_SUM, QUEUE, FUNCTION))
    return from_histograms(f"sum by ({by}) ({work}) / on () group_left () (sum({work}) > 0)")


def wait_against_run(*matchers: str) -> list[Query]:
    """The median time in the queue, and the median run time."""
    wait_, run_ = over_step(_wait_buckets()), over_step(_run_buckets(*matchers))
    return [
        from_histograms(quantile(0.5, wait_, by=""), "wait"),
        from_histograms(quantile(0.5, run_, by=""), "run"),
    ]

"""How long jobs ran, and how long they waited before."""

from __future__ import annotations

from grafana.layer.query import Query
from grafana.queries import recorded
from grafana.queries.promql import (
    BY_QUEUE,
    FUNCTION,
    QUEUE,
    RAW,
    from_buckets,
    from_histograms,
    named,
    over_range,
    quantile,
    rates,
    select,
)
from rq_mon import catalogue
from rq_mon.catalogue import Metric

QUANTILES = (0.5, 0.95, 0.99)


def percentile(q: float) -> str:
    """The name of a quantile, such as p95."""
    return f"p{round(q * 100)}"


def _run_buckets(*matchers: str) -> str:
    return rates(recorded.DURATION_BUCKETS, *matchers)


def _wait_buckets() -> str:
    return rates(recorded.WAIT_BUCKETS, QUEUE)


def _raw_over_step(metric: Metric, *matchers: str) -> str:
    return f"rate({select(f'{metric.name}_bucket', RAW, *matchers)}[{recorded.HISTOGRAMS_WINDOW}])"


def _recorded_over_step(buckets: str) -> str:
    # The step may be shorter than a minute: this window always has a sample.
    return f"avg_over_time({buckets}[$__rate_interval])"


def _run_quantile_over_time(q: float, by: str, *matchers: str) -> str:
    raw = _raw_over_step(catalogue.JOB_DURATION, *matchers)
    return _quantile_over_time(q, raw, _run_buckets(*matchers), by)


def _wait_quantile_over_time(q: float, by: str) -> str:
    return _quantile_over_time(q, _raw_over_step(catalogue.JOB_WAIT, QUEUE), _wait_buckets(), by)


def _quantile_over_time(q: float, raw: str, buckets: str, by: str) -> str:
    # The first run of a new function is only in the recorded histogram.
    return f"{quantile(q, raw, by)} or {quantile(q, _recorded_over_step(buckets), by)}"


def run_quantiles_over_time(*matchers: str) -> list[Query]:
    """p50, p95 and p99 of run times over time."""
    return [from_buckets(_run_quantile_over_time(q, "", *matchers), percentile(q)) for q in QUANTILES]


def run_by_queue_over_time(q: float, *matchers: str) -> Query:
    """A quantile of run times over time, by queue."""
    return from_buckets(_run_quantile_over_time(q, BY_QUEUE, *matchers), named("queue"))


def run_by_function_over_time(q: float, *matchers: str) -> Query:
    """A quantile of run times over time, by function, across queues."""
    return from_buckets(_run_quantile_over_time(q, "instance, function", *matchers), named("function"))


def run(q: float, by: str, *matchers: str) -> Query:
    """A quantile of the run times in the time range, by labels."""
    return from_histograms(quantile(q, over_range(_run_buckets(*matchers)), by), percentile(q))


def run_by_function(q: float, *matchers: str) -> Query:
    """A quantile of the run times in the time range, by function and queue."""
    return from_histograms(quantile(q, over_range(_run_buckets(*matchers))), percentile(q))


def wait_over_time(q: float) -> Query:
    """A quantile of times in the queue over time, by queue."""
    return from_buckets(_wait_quantile_over_time(q, BY_QUEUE), named("queue"))


def wait(q: float) -> Query:
    """A quantile of the times in the queue in the time range."""
    return from_histograms(quantile(q, over_range(_wait_buckets()), by=""), percentile(q))


def wait_by_queue(q: float) -> Query:
    """A quantile of the times in the queue in the time range, by queue."""
    return from_histograms(quantile(q, over_range(_wait_buckets())), percentile(q))


def run_histogram() -> Query:
    """Jobs ended a second by bucket of run time, with exemplars.

    Exemplars belong to the raw series. Prometheus finds them by the selector, whatever its offset. So the
    last part adds nothing to the others: it only names those series, and their samples are not read.
    """
    raw = _raw_over_step(catalogue.JOB_DURATION, QUEUE, FUNCTION)
    named_alone = select(f"{catalogue.JOB_DURATION.name}_bucket", QUEUE, FUNCTION)
    both = _histogram(raw, _run_buckets(QUEUE, FUNCTION))
    return from_buckets(f"{both} or sum by (le) ({named_alone} offset 100y)", "{{le}}", exemplars=True)


def wait_histogram() -> Query:
    """Jobs ended a second by bucket of time in the queue."""
    return from_buckets(_histogram(_raw_over_step(catalogue.JOB_WAIT, QUEUE), _wait_buckets()), "{{le}}")


def _histogram(raw: str, buckets: str) -> str:
    return f"sum by (le) ({raw}) or sum by (le) ({_recorded_over_step(buckets)})"


def run_mean(by: str, *matchers: str) -> Query:
    """Mean run time in the time range."""
    total, count = (
        f"sum by ({by}) ({over_range(rates(name, *matchers))})"
        for name in (recorded.DURATION_SUM, recorded.DURATION_COUNT)
    )
    return from_histograms(f"{total} / ({count} > 0)", "mean")


def share_of_work(by: str) -> Query:
    """Share of all run time in the time range, by labels."""
    work = over_range(rates(recorded.DURATION_SUM, QUEUE, FUNCTION))
    return from_histograms(f"sum by ({by}) ({work}) / on () group_left () (sum({work}) > 0)")


def wait_against_run(*matchers: str) -> list[Query]:
    """The median wait, and the median run time."""
    return [
        from_buckets(_wait_quantile_over_time(0.5, ""), "wait"),
        from_buckets(_run_quantile_over_time(0.5, "", *matchers), "run"),
    ]

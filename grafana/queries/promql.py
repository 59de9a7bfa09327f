"""Selectors, and the few shapes that several queries share."""

from __future__ import annotations

from collections.abc import Iterable

from grafana.layer.query import Query
from grafana.queries import recorded
from rq_mon.catalogue import Metric

PER_MINUTE = 60
"""From a rate, which is a second's."""

INSTANCE = 'instance=~"$instance"'
QUEUE = 'queue=~"$queue"'
FUNCTION = 'function=~"$function"'
"""What the reader picked at the top of the dashboard."""

RAW_NAME = "raw"
RAW = f'job=~"${RAW_NAME}"'
"""A matcher of raw histograms: of all where the range is short, of none where it is so long that reading them
takes seconds."""
SHORT = 900
"""Seconds of such a range."""

BY_QUEUE = "instance, queue"
BY_FUNCTION = "instance, queue, function"
BY_WORKER = "instance, name"
BY_CRON_JOB = "instance, cron_job"
"""The instance is the Redis: what has the same name in two of them is not the same."""

AT_INSTANCE = " @ {{instance}}"


def select(series: Metric | str, *matchers: str) -> str:
    """A selector of a metric, or of series by their name, of the chosen Redis."""
    return selector(series, INSTANCE, *matchers)


def selector(series: Metric | str, *matchers: str) -> str:
    """A selector of a metric, or of series by their name."""
    name = series.name if isinstance(series, Metric) else series
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def named(*labels: str) -> str:
    """The legend of series that have one label, or one and in brackets another, in several Redis."""
    first, *others = (f"{{{{{label}}}}}" for label in labels)
    return " ".join([first, *(f"({other})" for other in others)]) + AT_INSTANCE


def equals(label: str, value: str) -> str:
    """A matcher for one value that holds no special characters."""
    return f'{label}="{value}"'


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for any of some values that hold no special characters."""
    return f'{label}=~"{"|".join(values)}"'


def total(expr: str, by: str = "") -> str:
    """The sum by these labels; without any, of all."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def with_zero(expr: str, exists: str) -> str:
    """`expr`, or 0 where it is empty though `exists` is not: what is not measured is never shown as 0."""
    return f"{expr} or 0 * count({exists})"


def over_step(rate: str) -> str:
    """A recorded rate, averaged over each step of the graph, so that no peak falls between two steps."""
    return f"avg_over_time({rate}[$__interval])"


def over_range(rate: str) -> str:
    """A recorded rate, averaged over the time that the reader picked."""
    return f"avg_over_time({rate}[$__range])"


def quantile(q: float, buckets: str, by: str | None = None) -> str:
    """The quantile of rates of buckets, added up by labels, or of each histogram on its own.

    Nothing, in place of NaN, where there was nothing to measure.
    """
    if by is not None:
        buckets = total(buckets, f"{by}, le" if by else "le")
    return f"histogram_quantile({q}, {buckets}) >= 0"


def from_counters(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded counters."""
    return Query(expr, legend, min_step=recorded.COUNTERS_INTERVAL)


def from_buckets(expr: str, legend: str = "__auto", *, exemplars: bool = False) -> Query:
    """A query that reads raw or recorded histograms, as the range demands."""
    return Query(expr, legend, min_step=recorded.COUNTERS_INTERVAL, exemplars=exemplars)


def from_rates(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded rates."""
    return Query(expr, legend, min_step=recorded.RATES_INTERVAL)


def from_histograms(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded histograms."""
    return Query(expr, legend, min_step=recorded.HISTOGRAMS_INTERVAL)


def choose_raw() -> str:
    """What matches the job of raw histograms, or no job, in the label of the variable."""
    short, long = (
        f'label_replace(vector($__range_s) {than} {SHORT}, "{RAW_NAME}", "{jobs}", "", "")'
        for than, jobs in (("<=", ".+"), (">", "-"))
    )
    return f"{short} or {long}"

"""Selectors and shapes that several queries share."""

from __future__ import annotations

from collections.abc import Iterable

from grafana.layer.query import Query
from grafana.queries import recorded
from rq_mon import catalogue
from rq_mon.catalogue import Metric

PER_MINUTE = 60
"""From a rate, which is for a second."""

INSTANCE = 'instance=~"$instance"'
QUEUE = 'queue=~"$queue"'
FUNCTION = 'function=~"$function"'
"""What the reader chose at the top of the dashboard."""

RAW_NAME = "raw"
RAW = f'job=~"${RAW_NAME}"'
"""A matcher of raw histograms: of all for a short time range, of none if reading them would take seconds."""
SHORT = 900
"""Seconds of such a range."""
MANY = 300
"""Histograms, one a function and outcome: more are not read raw. An open dashboard would take a core."""

COUNTERS_NAME, RATES_NAME = "counters", "rates"
"""Variables: the last part of the names of recorded series, which decides how many samples they have."""
LONG = 2 * 86_400
"""Seconds from which on a range reads the series with fewer samples."""
MOST_POINTS_OF_TIMES = 288
"""Of graphs of run and wait times. Their steps are then at least as long as the interval of those series."""
SAMPLES_AT_ONCE = 10
"""Samples of a recorded histogram for each one of that with fewer."""
COVERED = 0.95
"""Share of a range that has to have them: each restart of Prometheus may cost one."""

BY_QUEUE = "instance, queue"
BY_FUNCTION = "instance, queue, function"
BY_WORKER = "instance, name"
BY_CRON_JOB = "instance, cron_job"
"""The instance is the Redis. The same name in two Redis means two things."""

AT_INSTANCE = " @ {{instance}}"


def select(series: Metric | str, *matchers: str) -> str:
    """A selector of a metric, or of series by name, of the chosen Redis."""
    return selector(series, INSTANCE, *matchers)


def counters(series: str, *matchers: str) -> str:
    """A selector of recorded counters, as many samples of them as the range demands."""
    return select(_by_range(series, COUNTERS_NAME), *matchers)


def rates(series: str, *matchers: str) -> str:
    """A selector of recorded histograms, as many samples of them as the range demands."""
    return select(_by_range(series, RATES_NAME), *matchers)


def _by_range(series: str, variable: str) -> str:
    return f"{series.rpartition(':')[0]}:${{{variable}}}"


def selector(series: Metric | str, *matchers: str) -> str:
    """A selector of a metric, or of series by name."""
    name = series.name if isinstance(series, Metric) else series
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def named(*labels: str) -> str:
    """A legend for series with one label, or with a second one in brackets, in several Redis."""
    first, *others = (f"{{{{{label}}}}}" for label in labels)
    return " ".join([first, *(f"({other})" for other in others)]) + AT_INSTANCE


def equals(label: str, value: str) -> str:
    """A matcher for one value without special characters."""
    return f'{label}="{value}"'


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for any of several values without special characters."""
    return f'{label}=~"{"|".join(values)}"'


def total(expr: str, by: str = "") -> str:
    """The sum by these labels; without labels, of everything."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def with_zero(expr: str, exists: str) -> str:
    """`expr`, or 0 if only `exists` has series: what is not measured is never shown as 0."""
    return f"{expr} or 0 * count({exists})"


def over_step(rate: str) -> str:
    """A recorded rate, averaged over each step of the graph, so that no peak is lost between two steps."""
    return f"avg_over_time({rate}[$__interval])"


def over_range(rate: str) -> str:
    """A recorded rate, averaged over the time range."""
    return f"avg_over_time({rate}[$__range])"


def quantile(q: float, buckets: str, by: str | None = None) -> str:
    """The quantile of bucket rates, summed by labels or of each histogram alone.

    It is missing, not NaN, if there was nothing to measure.
    """
    if by is not None:
        buckets = total(buckets, f"{by}, le" if by else "le")
    return f"histogram_quantile({q}, {buckets}) >= 0"


def from_counters(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded counters."""
    return Query(expr, legend, min_step=recorded.COUNTERS_INTERVAL)


def from_buckets(expr: str, legend: str = "__auto", *, exemplars: bool = False) -> Query:
    """A query that reads raw or recorded histograms, depending on the time range."""
    return Query(
        expr,
        legend,
        min_step=recorded.COUNTERS_INTERVAL,
        most_points=MOST_POINTS_OF_TIMES,
        exemplars=exemplars,
    )


def from_rates(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded rates."""
    return Query(expr, legend, min_step=recorded.RATES_INTERVAL)


def from_histograms(expr: str, legend: str = "__auto") -> Query:
    """A query that reads the recorded histograms."""
    return Query(expr, legend, min_step=recorded.HISTOGRAMS_INTERVAL)


def choose_raw() -> str:
    """A matcher for a variable: the job of raw histograms, or no job."""
    many = f"count({catalogue.JOB_DURATION.name}_count) > {MANY}"
    choices = {
        ".+": f"vector($__range_s) <= {SHORT} unless {many}",
        "-": f"vector($__range_s) > {SHORT} or {many}",
    }
    return " or ".join(
        f'label_replace({when}, "{RAW_NAME}", "{jobs}", "", "")' for jobs, when in choices.items()
    )


def choose_recorded(variable: str, operations: str) -> str:
    """What names the recorded series with all samples, or with fewer, in the label of the variable.

    Those with fewer only where they cover the time that the others cover: they may be younger.
    """
    fewer, all_ = (
        f"max(count_over_time({selector(name, equals('le', '+Inf'))}[$__range]))"
        for name in (recorded.over_days(recorded.WAIT_BUCKETS), recorded.WAIT_BUCKETS)
    )
    # One more: the last ten minutes are not over.
    covers = f"{SAMPLES_AT_ONCE} * (1 + {fewer}) > {COVERED} * {all_}"
    long = f"vector($__range_s) >= {LONG} and {covers}"
    named_long, named_ = (
        f'label_replace({when}, "{variable}", "{name}", "", "")'
        for when, name in ((long, recorded.OVER_DAYS[operations]), ("vector(1)", operations))
    )
    return f"{named_long} or on () {named_}"

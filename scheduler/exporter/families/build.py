"""Families of the Prometheus client from the metrics of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily

from scheduler import job_series
from scheduler.catalogue import Metric
from scheduler.job_series import Histogram

Values = Iterable[tuple[Sequence[str], float | None]]
"""Label values, in the order of the metric's labels, and the number; None where it could not be read."""


EXEMPLAR_LABEL = "job_id"
MAX_EXEMPLAR_LENGTH = 128

Bucket = tuple[str, float] | tuple[str, float, Exemplar]


def gauge(metric: Metric, values: Values) -> GaugeMetricFamily:
    """Return the family of a gauge."""
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, value)
    return family


def counter(metric: Metric, values: Values) -> CounterMetricFamily:
    """Return the family of a counter."""
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, value)
    return family


def histogram(
    metric: Metric, bounds: Sequence[float], observed: Iterable[tuple[Sequence[str], Histogram]]
) -> HistogramMetricFamily:
    """Return the family of a histogram with these upper bounds and +Inf, exemplars included."""
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    les = {**{bound: str(bound) for bound in bounds}, math.inf: "+Inf"}
    for labels, histogram in observed:
        buckets = [
            _bucket(les[bound], count, histogram.exemplars.get(bound))
            for bound, count in histogram.cumulative(les)
        ]
        family.add_metric(labels, buckets, histogram.seconds)
    return family


def _bucket(le: str, count: int, newest: job_series.Exemplar | None) -> Bucket:
    """A bucket with the job behind it, unless the job's id is longer than OpenMetrics allows."""
    if newest is None or len(EXEMPLAR_LABEL + newest.job_id) > MAX_EXEMPLAR_LENGTH:
        return le, count
    return le, count, Exemplar({EXEMPLAR_LABEL: newest.job_id}, newest.seconds, newest.timestamp)

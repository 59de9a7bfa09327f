"""Families of the Prometheus client from the metrics of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Sample,
)

from rq_mon.catalogue import Metric
from rq_mon.series import Histogram

Values = Iterable[tuple[Sequence[str], float | None]]
"""Label values, in the order of the metric's labels, and the number; None where it could not be read."""


EXEMPLAR_LABEL = "job_id"
MAX_EXEMPLAR_LENGTH = 128

Observed = Iterable[tuple[Sequence[str], Histogram]]
"""Label values, in the order of the metric's labels, and what was observed."""


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


def histogram(metric: Metric, bounds: Sequence[float], observed: Observed) -> HistogramMetricFamily:
    """Return the family of a histogram with these upper bounds and +Inf, exemplars included.

    Its samples are made one after the other while they are written: of a large family they would fill
    hundreds of megabytes.
    """
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    family.samples = _HistogramSamples(metric, bounds, observed)  # type: ignore[assignment]
    return family


class _HistogramSamples:
    """Can be iterated as often as `observed` can."""

    def __init__(self, metric: Metric, bounds: Sequence[float], observed: Observed) -> None:
        self._metric = metric
        self._bounds = {**{bound: str(bound) for bound in bounds}, math.inf: "+Inf"}
        self._observed = observed

    def __iter__(self) -> Iterator[Sample]:
        bucket, count, total = self._metric.series
        for label_values, histogram in self._observed:
            labels = dict(zip(self._metric.labels, label_values, strict=True))
            number = 0
            for bound, number in histogram.cumulative(self._bounds):
                exemplar = _exemplar(histogram, bound) if bound in histogram.exemplars else None
                yield Sample(bucket, labels | {"le": self._bounds[bound]}, number, None, exemplar)
            yield Sample(count, labels, number)
            yield Sample(total, labels, histogram.seconds)


def _exemplar(histogram: Histogram, bound: float) -> Exemplar | None:
    """The job behind a bucket, unless its id is longer than OpenMetrics allows."""
    newest = histogram.exemplars[bound]
    if len(EXEMPLAR_LABEL + newest.job_id) > MAX_EXEMPLAR_LENGTH:
        return None
    return Exemplar({EXEMPLAR_LABEL: newest.job_id}, newest.seconds, newest.timestamp)

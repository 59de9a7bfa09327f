"""Families of the Prometheus client from the metrics of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from scheduler.catalogue import Metric

Values = Iterable[tuple[Sequence[str], float | None]]
"""Label values, in the order of the metric's labels, and the number; None where it could not be read."""


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

"""Builds families of the Prometheus client from the metrics of the catalogue.

Their samples write their own lines. An object for each would take most of the time, and hundreds of megabytes
for a large family.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import Exemplar, Sample
from prometheus_client.core import Metric as Family

from rq_mon.catalogue import Metric
from rq_mon.exporter.lines import Lines, WrittenSamples, shape_of
from rq_mon.series import Histogram

Values = Iterable[tuple[Sequence[str], float | None]]
"""Label values in the order of the metric's labels, and the number; None if it could not be read."""


EXEMPLAR_LABEL = "job_id"
MAX_EXEMPLAR_LENGTH = 128

Observed = Iterable[tuple[Sequence[str], Histogram]]
"""Label values in the order of the metric's labels, and the observations."""


def family(metric: Metric, samples: Iterable[Sample]) -> Family:
    """Return the family of a metric."""
    name = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
    made = Family(name, metric.help, metric.type)
    made.samples = samples  # type: ignore[assignment]
    return made


def numbers(metric: Metric, values: Values) -> Family:
    """Return the family of a gauge or a counter."""
    return family(metric, Numbers(metric, values))


def histograms(metric: Metric, bounds: Sequence[float], observed: Observed) -> Family:
    """Return the family of a histogram with these upper bounds and +Inf, exemplars included."""
    return family(metric, Histograms(metric, bounds, observed))


class Numbers(WrittenSamples):
    """Samples of a gauge or a counter."""

    def __init__(self, metric: Metric, values: Values) -> None:
        self._metric = metric
        self._values = [(labels, value) for labels, value in values if value is not None]

    def __iter__(self) -> Iterator[Sample]:
        for labels, value in self._values:
            yield Sample(self._metric.name, dict(zip(self._metric.labels, labels, strict=True)), value)

    def write(self, lines: Lines) -> Iterable[str]:
        """Return a line for each."""
        names = sorted(self._metric.labels)
        order = [self._metric.labels.index(name) for name in names]
        shape, escaped, numbers = shape_of(self._metric.name, names), lines.escaped, lines.numbers
        written = [
            shape % (*[escaped[labels[place]] for place in order], numbers[value], "")
            for labels, value in self._values
        ]
        return ("".join(written),)


class Histograms(WrittenSamples):
    """Samples of a histogram; can be iterated as often as `observed` can."""

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

    def write(self, lines: Lines) -> Iterator[str]:
        """Write the lines of one histogram after the other, each at once."""
        bucket, count, total = self._metric.series
        names = sorted(self._metric.labels)
        before = [name for name in names if name < "le"]
        for label_values, histogram in self._observed:
            escaped = zip(self._metric.labels, [lines.escaped[value] for value in label_values], strict=True)
            labels = [f'{name}="{value}"' for name, value in sorted(escaped)]
            head = f'{bucket}{{{"".join(f"{label}," for label in labels[: len(before)])}le="'
            tail = f'"{"".join(f",{label}" for label in labels[len(before) :])}}} '
            written, number = [], 0
            for bound, number in histogram.cumulative(self._bounds):
                exemplar = _exemplar(histogram, bound) if bound in histogram.exemplars else None
                after = lines.exemplar(exemplar) if exemplar else ""
                written.append(f"{head}{self._bounds[bound]}{tail}{lines.numbers[number]}{after}\n")
            own = ",".join(labels)
            written.append(f"{count}{{{own}}} {lines.numbers[number]}\n")
            written.append(f"{total}{{{own}}} {lines.numbers[histogram.seconds]}\n")
            yield "".join(written)


def _exemplar(histogram: Histogram, bound: float) -> Exemplar | None:
    """Return the exemplar of a bucket, unless its job id is longer than OpenMetrics allows."""
    newest = histogram.exemplars[bound]
    if len(EXEMPLAR_LABEL + newest.job_id) > MAX_EXEMPLAR_LENGTH:
        return None
    return Exemplar({EXEMPLAR_LABEL: newest.job_id}, newest.seconds, newest.timestamp)

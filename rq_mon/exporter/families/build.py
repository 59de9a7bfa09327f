"""Builds families of the Prometheus client from the metrics of the catalogue.

Their samples write their own lines. An object for each would take most of the time, and hundreds of megabytes
for a large family.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial

from prometheus_client.core import Exemplar, Sample
from prometheus_client.core import Metric as Family

from rq_mon.catalogue import Metric
from rq_mon.exporter.lines import Lines, Remembered, WrittenSamples, escape, number_text, shape_of
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
    return family(metric, KeptNumbers(metric, values))


def changing_numbers(metric: Metric, values: Values) -> Family:
    """Return the family of a gauge that is usually different in each scrape, such as an age."""
    return family(metric, Numbers(metric, values))


def histograms(metric: Metric, bounds: Sequence[float], observed: Observed) -> Family:
    """Return the family of a histogram with these upper bounds and +Inf, exemplars included."""
    return family(metric, KeptHistograms(metric, bounds, observed))


class Numbers(WrittenSamples):
    """Samples of a gauge or a counter."""

    def __init__(self, metric: Metric, values: Values) -> None:
        self._metric = metric
        self._values = [(labels, value) for labels, value in values if value is not None]

    def __iter__(self) -> Iterator[Sample]:
        for labels, value in self._values:
            yield Sample(self._metric.name, dict(zip(self._metric.labels, labels, strict=True)), value)

    def write(self, lines: Lines) -> Iterable[str]:
        """Return a line for each, all in one text."""
        order, shape = _layout(self._metric)
        escaped, numbers = lines.escaped, lines.numbers
        written = [
            shape % (*[escaped[labels[place]] for place in order], numbers[value], "")
            for labels, value in self._values
        ]
        return ("".join(written),)


class KeptNumbers(Numbers):
    """Samples of which most are the same in the next scrape: their lines are kept until then."""

    def write(self, lines: Lines) -> Iterable[str]:  # noqa: ARG002
        """Return a line for each, all in one text."""
        kept = _kept_lines.get(self._metric)
        if kept is None or len(kept) > MOST_KEPT * (len(self._values) + 1):
            kept = _kept_lines[self._metric] = Remembered(partial(_line, *_layout(self._metric)))
        return ("".join(map(kept.__getitem__, self._values)),)


MOST_KEPT = 3
"""Lines that are kept at most for each one that is written."""

Sampled = tuple[Sequence[str], float]
_kept_lines: dict[Metric, dict[Sampled, str]] = {}


def _line(order: Sequence[int], shape: str, sample: Sampled) -> str:
    labels, value = sample
    return shape % (*[escape(labels[place]) for place in order], number_text(value), "")


@cache
def _layout(metric: Metric) -> tuple[Sequence[int], str]:
    """Return the places of a line's labels, which are sorted by name, and its format."""
    names = sorted(metric.labels)
    return [metric.labels.index(name) for name in names], shape_of(metric.name, names)


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
        for labels, histogram in self._observed:
            yield self.text(labels, histogram, lines)

    def text(self, label_values: Sequence[str], histogram: Histogram, lines: Lines) -> str:
        """Return the lines of one histogram."""
        bucket, count, total = self._metric.series
        names = sorted(self._metric.labels)
        before = [name for name in names if name < "le"]
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
        return "".join(written)


class KeptHistograms(Histograms):
    """Histograms of which most are the same objects in the next scrape: their lines are kept until then."""

    def write(self, lines: Lines) -> Iterator[str]:
        """Write the lines of one histogram after the other, each at once."""
        kept = _kept_histograms.get((self._metric, lines.has_exemplars), {})
        written = {}
        for labels, histogram in self._observed:
            before = kept.get(labels)
            is_kept = before is not None and before[0] is histogram
            text = before[1] if before and is_kept else self.text(labels, histogram, lines)
            written[labels] = histogram, text
            yield text
        _kept_histograms[self._metric, lines.has_exemplars] = written


_kept_histograms: dict[tuple[Metric, bool], dict[Sequence[str], tuple[Histogram, str]]] = {}


def _exemplar(histogram: Histogram, bound: float) -> Exemplar | None:
    """Return the exemplar of a bucket, unless its job id is longer than OpenMetrics allows."""
    newest = histogram.exemplars[bound]
    if len(EXEMPLAR_LABEL + newest.job_id) > MAX_EXEMPLAR_LENGTH:
        return None
    return Exemplar({EXEMPLAR_LABEL: newest.job_id}, newest.seconds, newest.timestamp)

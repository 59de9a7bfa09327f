"""Lines of the text formats of Prometheus, as prometheus_client writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from prometheus_client.core import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from rq_mon.exporter.blocks import Block

K = TypeVar("K")


def escape(text: str) -> str:
    """Return a label's value, escaped for use between quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


number_text: Callable[[float], str] = floatToGoString
"""Returns a number as Prometheus writes it."""


class Remembered(dict[K, str]):
    """A cache of `make`: the same texts are needed again and again."""

    def __init__(self, make: Callable[[K], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> str:
        made = self[key] = self._make(key)
        return made


class Lines:
    """Makes the lines of one scrape. Its caches last for that scrape only.

    All samples of one name must have the same labels.
    """

    def __init__(self, *, exemplars: bool) -> None:
        """Make lines with exemplars only for OpenMetrics; the classic format has none."""
        self.has_exemplars = exemplars
        self.escaped: dict[str, str] = Remembered(escape)
        self.numbers: dict[float, str] = Remembered(number_text)
        self._shapes: dict[str, tuple[list[str], str]] = {}

    def head(self, name: str, kind: str, help_text: str) -> str:
        """Return the header lines of a family."""
        return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"

    def samples(self, samples: Iterable[Sample]) -> str:
        """Return a line for each sample."""
        return "".join(map(self._sample, samples))

    def _sample(self, sample: Sample) -> str:
        names, shape = self._shapes.get(sample.name) or self._new_shape(sample)
        labels, escaped = sample.labels, self.escaped
        exemplar = self.exemplar(sample.exemplar) if sample.exemplar else ""
        return shape % (*[escaped[labels[name]] for name in names], self.numbers[sample.value], exemplar)

    def _new_shape(self, sample: Sample) -> tuple[list[str], str]:
        names = sorted(sample.labels)
        shape = names, shape_of(sample.name, names)
        self._shapes[sample.name] = shape
        return shape

    def exemplar(self, exemplar: Exemplar) -> str:
        """Return the part of a sample after its number."""
        if not self.has_exemplars:
            return ""
        labels = ",".join(
            f'{name}="{self.escaped[value]}"' for name, value in sorted(exemplar.labels.items())
        )
        return f" # {{{labels}}} {self.numbers[exemplar.value]} {exemplar.timestamp}"


def shape_of(name: str, labels: Iterable[str]) -> str:
    """Return the format string of a series: placeholders for label values, number and exemplar."""
    places = ",".join(f'{label}="%s"' for label in labels)
    return f"{name}{{{places}}} %s%s\n" if places else f"{name} %s%s\n"


class WrittenSamples(Iterable[Sample], Protocol):
    """Samples of a family that write their own lines, without an object for each."""

    def write(self, lines: Lines) -> Iterable[str | Block]:
        """Yield their lines, one or several at a time."""

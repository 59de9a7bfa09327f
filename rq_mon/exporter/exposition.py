"""The text formats of Prometheus, as prometheus_client writes them, several times as fast.

Writing is most of a large scrape, and prometheus_client checks the names of every sample anew, although they
all come from a fixed catalogue. A test holds the output equal to its output, byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from prometheus_client.core import Exemplar, Sample
from prometheus_client.core import Metric as Family
from prometheus_client.utils import floatToGoString

LINES_PER_CHUNK = 1000

K = TypeVar("K")


def text_format(families: Iterable[Family]) -> Iterator[bytes]:
    """Write the classic format in chunks: no exemplars, and times of creation are gauges of their own."""
    return _chunks(_text_lines(families))


def openmetrics_format(families: Iterable[Family]) -> Iterator[bytes]:
    """Write OpenMetrics 1.0 in chunks, exemplars included."""
    return _chunks(_openmetrics_lines(families))


def _chunks(lines: Iterator[str]) -> Iterator[bytes]:
    while chunk := "".join(islice(lines, LINES_PER_CHUNK)):
        yield chunk.encode()


def _text_lines(families: Iterable[Family]) -> Iterator[str]:
    lines = _Lines()
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        help_text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
        created_name, created = f"{family.name}_created", []
        yield lines.head(name, family.type, help_text)
        for sample in family.samples:
            if sample.name == created_name:
                created.append(sample)
            else:
                yield f"{lines.sample(sample)}\n"
        if created:
            yield lines.head(created_name, "gauge", help_text)
            yield from (f"{lines.sample(sample)}\n" for sample in created)


def _openmetrics_lines(families: Iterable[Family]) -> Iterator[str]:
    lines = _Lines()
    for family in families:
        yield lines.head(family.name, family.type, _escape(family.documentation))
        for sample in family.samples:
            exemplar = lines.exemplar(sample.exemplar) if sample.exemplar else ""
            yield f"{lines.sample(sample)}{exemplar}\n"
    yield "# EOF\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class _Remembered(dict[K, str]):
    """What `make` makes of a key; the same label values and small numbers come again and again."""

    def __init__(self, make: Callable[[K], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> str:
        made = self[key] = self._make(key)
        return made


class _Lines:
    """Makes the lines of one scrape, which bounds what is remembered.

    All samples of one name must have the same labels.
    """

    def __init__(self) -> None:
        self._escaped: _Remembered[str] = _Remembered(_escape)
        self._numbers: _Remembered[float] = _Remembered(floatToGoString)
        self._shapes: dict[str, tuple[list[str], str]] = {}

    def head(self, name: str, kind: str, help_text: str) -> str:
        return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"

    def sample(self, sample: Sample) -> str:
        names, shape = self._shapes.get(sample.name) or self._new_shape(sample)
        labels, escaped = sample.labels, self._escaped
        return shape % (*[escaped[labels[name]] for name in names], self._numbers[sample.value])

    def _new_shape(self, sample: Sample) -> tuple[list[str], str]:
        names = sorted(sample.labels)
        labels = ",".join(f'{name}="%s"' for name in names)
        shape = names, f"{sample.name}{{{labels}}} %s" if names else f"{sample.name} %s"
        self._shapes[sample.name] = shape
        return shape

    def exemplar(self, exemplar: Exemplar) -> str:
        labels = ",".join(
            f'{name}="{self._escaped[value]}"' for name, value in sorted(exemplar.labels.items())
        )
        return f" # {{{labels}}} {self._numbers[exemplar.value]} {exemplar.timestamp}"

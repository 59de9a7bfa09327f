"""Writes Prometheus' text formats as prometheus_client does, several times as fast.

Writing takes most of the time of a large scrape. prometheus_client checks the names of every sample again,
although they all come from a fixed catalogue. A test compares the output with its output, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric as Family
from prometheus_client.core import Sample

from rq_mon.exporter.blocks import Block
from rq_mon.exporter.lines import Lines, escape


def text_format(families: Iterable[Family]) -> Iterator[bytes | Block]:
    """Yield the classic format in parts: no exemplars, and creation times as gauges."""
    return _encoded(_text(families))


def openmetrics_format(families: Iterable[Family]) -> Iterator[bytes | Block]:
    """Yield OpenMetrics 1.0 in parts, with exemplars."""
    return _encoded(_openmetrics(families))


def _encoded(pieces: Iterable[str | Block]) -> Iterator[bytes | Block]:
    return (piece if isinstance(piece, Block) else piece.encode() for piece in pieces)


def _text(families: Iterable[Family]) -> Iterator[str | Block]:
    lines = Lines(exemplars=False)
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        help_text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
        yield lines.head(name, family.type, help_text)
        if hasattr(family.samples, "write"):
            yield from family.samples.write(lines)
            continue
        created_name = f"{family.name}_created"
        created: list[Sample] = []
        others: list[Sample] = []
        for sample in family.samples:
            (created if sample.name == created_name else others).append(sample)
        yield lines.samples(others)
        if created:
            yield lines.head(created_name, "gauge", help_text)
            yield lines.samples(created)


def _openmetrics(families: Iterable[Family]) -> Iterator[str | Block]:
    lines = Lines(exemplars=True)
    for family in families:
        yield lines.head(family.name, family.type, escape(family.documentation))
        if hasattr(family.samples, "write"):
            yield from family.samples.write(lines)
        else:
            yield lines.samples(family.samples)
    yield "# EOF\n"

"""Annotations: marks on graphs for as long as a query, such as that for firing alerts, returns series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.preview.dashboard import Annotation
from grafana.preview.prometheus_frames import Series

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Mark:
    """One span of time; times are milliseconds since 1970."""

    start: float
    end: float
    title: str
    text: str
    color: str


def to_marks(annotation: Annotation, series: Sequence[Series], step: float) -> list[Mark]:
    """Return one mark for each span over which a series has samples without a gap."""
    return [
        Mark(
            start * 1000,
            end * 1000,
            _fill(annotation.title or annotation.name, one["metric"]),
            _fill(annotation.text, one["metric"]),
            annotation.color,
        )
        for one in series
        for start, end in _spans([float(sample[0]) for sample in one["values"]], step)
    ]


def _spans(times: Sequence[float], step: float) -> Iterator[tuple[float, float]]:
    start = previous = times[0]
    for time in times[1:]:
        if time - previous > step * 1.5:
            yield start, previous
            start = time
        previous = time
    yield start, previous


def _fill(template: str, labels: dict[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda match: str(labels.get(match[1], "")), template)

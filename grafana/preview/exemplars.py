"""Exemplars: single observations of a histogram, each with the labels that lead to its job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import pstdev
from typing import Any

from grafana.preview.datasource import Destination
from grafana.preview.links import Link, exemplar_links


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation."""

    time: float
    """Milliseconds since 1970."""
    value: float
    labels: dict[str, str]
    links: tuple[Link, ...]


def to_exemplars(answer: Any, destinations: Sequence[Destination], step: float) -> list[Exemplar]:
    """Read Prometheus' answer to query_exemplars, and keep the ones that stand apart.

    As in Grafana, of each step the highest is kept, and below it those that are at least two standard
    deviations from the one kept before: the rest would only hide each other.
    """
    found = {(e.time, e.value): e for series in answer or () for e in _exemplars(series, destinations)}
    by_step: dict[int, list[Exemplar]] = {}
    for exemplar in found.values():
        by_step.setdefault(int(exemplar.time // (step * 1000)), []).append(exemplar)
    apart = 2 * pstdev([exemplar.value for exemplar in found.values()] or [0.0])
    return [exemplar for step_ in sorted(by_step) for exemplar in _standing_apart(by_step[step_], apart)]


def _exemplars(series: Any, destinations: Sequence[Destination]) -> Iterator[Exemplar]:
    for raw in series.get("exemplars", ()):
        labels = {str(name): str(value) for name, value in raw.get("labels", {}).items()}
        links = tuple(exemplar_links(labels, destinations))
        yield Exemplar(float(raw["timestamp"]) * 1000, float(raw["value"]), labels, links)


def _standing_apart(exemplars: Sequence[Exemplar], apart: float) -> list[Exemplar]:
    kept: list[Exemplar] = []
    for exemplar in sorted(exemplars, key=lambda exemplar: exemplar.value, reverse=True):
        if not kept or kept[-1].value - exemplar.value > apart:
            kept.append(exemplar)
    return kept

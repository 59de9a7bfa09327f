"""A PromQL query, and its target in a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal

from grafana.layer.fields import Json

MOST_POINTS = 600
"""Of a graph. More are hard to tell apart, and each costs Prometheus time."""

Format = Literal["time_series", "table", "heatmap"]

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""The one that the reader chose at the top of the dashboard."""


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and the names of its series."""

    expr: str
    legend: str = "__auto"
    """A template with labels, such as `{{queue}}`. `__auto` lets Grafana choose."""
    min_step: str = ""
    """The interval between samples, if it is not the data source's scrape interval.

    Grafana derives the step and $__rate_interval from it.
    """
    most_points: int = MOST_POINTS
    exemplars: bool = False


def targets(queries: Sequence[Query], format_: Format, *, instant: bool) -> list[Json]:
    """One target for each query, lettered A, B, C … in order."""
    return [
        _target(letter, query, format_, instant=instant)
        for letter, query in zip(ascii_uppercase, queries, strict=False)
    ]


def most_points(queries: Sequence[Query]) -> int:
    """How many points a graph of these queries has at most."""
    return min(query.most_points for query in queries)


def _target(letter: str, query: Query, format_: Format, *, instant: bool) -> Json:
    target: Json = {
        "refId": letter,
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "format": format_,
        "instant": instant,
        "range": not instant,
        "exemplar": query.exemplars,
        "legendFormat": query.legend,
    }
    return target | ({"interval": query.min_step} if query.min_step else {})

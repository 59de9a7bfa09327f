"""What is drawn over a graph: annotations (firing alerts) and exemplars (single jobs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana.preview.colors import with_opacity
from grafana.preview.panels.figure import plain
from grafana.preview.panels.scene import Scene

MOST_MARKS = 100
EXEMPLAR_COLOR = "rgba(31, 120, 255, 0.8)"


def mark_shapes(scene: Scene) -> list[dict[str, Any]]:
    """Return a dashed line where each annotation begins, and a tint for as long as any lasts."""
    marks = scene.data.marks[:MOST_MARKS]
    full_height = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    tints = [
        {
            "type": "rect",
            "x0": start,
            "x1": end,
            "fillcolor": with_opacity(scene.theme.color(color), 0.07),
            "line": {"width": 0},
        }
        for color in dict.fromkeys(mark.color for mark in marks)
        for start, end in _union([(mark.start, mark.end) for mark in marks if mark.color == color])
    ]
    lines = [
        {
            "type": "line",
            "x0": mark.start,
            "x1": mark.start,
            "line": {"color": scene.theme.color(mark.color), "width": 1, "dash": "dash"},
        }
        for mark in marks
    ]
    return [shape | full_height for shape in tints + lines]


def _union(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that overlap, so that many alerts at once are not darker than one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def mark_trace(scene: Scene, bottom: float | str) -> list[dict[str, Any]]:
    """Return a triangle at the foot of each annotation, which tells on hover what it is."""
    marks = scene.data.marks[:MOST_MARKS]
    if not marks:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [mark.start for mark in marks],
            "y": [bottom] * len(marks),
            "text": [plain(f"{mark.title} {mark.text}".strip()) for mark in marks],
            "hovertemplate": "%{text}<extra></extra>",
            "cliponaxis": False,
            "marker": {
                "symbol": "triangle-up",
                "size": 10,
                "color": [scene.theme.color(mark.color) for mark in marks],
            },
        }
    ]


def exemplar_trace(scene: Scene, heights: list[Any] | None = None) -> list[dict[str, Any]]:
    """Return the exemplars as points; a click on one opens its links. `heights` are their places on y."""
    exemplars = scene.data.exemplars
    if not exemplars:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Exemplars",
            "x": [exemplar.time for exemplar in exemplars],
            "y": [exemplar.value for exemplar in exemplars] if heights is None else heights,
            "customdata": [
                {"labels": exemplar.labels, "links": [[link.title, link.href] for link in exemplar.links]}
                for exemplar in exemplars
            ],
            "text": [
                "<br>".join(plain(f"{name}: {value}") for name, value in exemplar.labels.items())
                for exemplar in exemplars
            ],
            "hovertemplate": "Exemplar<br>%{text}<extra></extra>",
            "marker": {"symbol": "diamond", "size": 8, "color": EXEMPLAR_COLOR, "line": {"width": 0}},
        }
    ]

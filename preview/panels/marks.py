"""What is drawn over a graph: annotations (firing alerts) and exemplars (single jobs)."""

from __future__ import annotations

from typing import Any

from preview.colors import with_opacity
from preview.panels.figure import plain
from preview.panels.scene import Scene

MOST_MARKS = 100
EXEMPLAR_COLOR = "rgba(31, 120, 255, 0.8)"


def mark_shapes(scene: Scene) -> list[dict[str, Any]]:
    """Return a dashed line where each annotation begins, and a tint for as long as it lasts."""
    shapes: list[dict[str, Any]] = []
    for mark in scene.data.marks[:MOST_MARKS]:
        color = scene.theme.color(mark.color)
        common = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below", "x0": mark.start}
        shapes.append(
            {"type": "rect", "x1": mark.end, "fillcolor": with_opacity(color, 0.05), "line": {"width": 0}}
            | common
        )
        line = {"color": color, "width": 1, "dash": "dash"}
        shapes.append({"type": "line", "x1": mark.start, "line": line} | common)
    return shapes


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

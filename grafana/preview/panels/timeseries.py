"""Time series: lines, areas and bars over time, stacked or not, with legend, thresholds and marks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from grafana.preview.colors import with_opacity
from grafana.preview.panels.axis import axis_range, value_axis
from grafana.preview.panels.exemplar_list import exemplar_list
from grafana.preview.panels.figure import base_layout
from grafana.preview.panels.legend import Entry, draw_legend
from grafana.preview.panels.lines import Line, draw_line
from grafana.preview.panels.marks import exemplar_trace, mark_shapes, mark_trace
from grafana.preview.panels.scene import Drawing, Scene, no_data

ROW_PIXELS = 38
DECORATION_PIXELS = 110
"""What title, legend and time axis take of a panel's height."""


def draw(scene: Scene) -> Drawing:
    """Draw every series over the whole time range."""
    lines = _lines(scene)
    if not any(value is not None for line in lines for value in line.field.values):
        return no_data(scene)
    layout = _layout(scene, lines)
    low = layout["yaxis"]["range"][0]
    traces = [draw_line(line, scene) for line in lines if line.shown]
    traces += exemplar_trace(scene)
    traces += mark_trace(scene, low)
    entries = [
        Entry(line.field.display_name, line.display.series_color(), line.display, line.shown)
        for line in lines
        if not (line.custom.get("hideFrom") or {}).get("legend")
    ]
    legend = draw_legend(entries, scene.panel.options, scene.panel.id)
    return Drawing(figure={"data": traces, "layout": layout}, legend=[legend, exemplar_list(scene)])


def _lines(scene: Scene) -> list[Line]:
    isolated = scene.choices.get("isolated")
    series = scene.series()
    names = {field.display_name for _, field in series}
    axes: dict[Any, str] = {}
    lines = []
    for index, (frame, field) in enumerate(series):
        custom = field.config.get("custom") or {}
        key = (field.config.get("unit"), custom.get("axisPlacement", "auto"))
        axis = axes.setdefault(key, "y" if not axes else "y2")
        shown = isolated not in names or field.display_name == isolated
        lines.append(Line(frame, field, scene.display(field, index), axis, shown))
    return lines


def _layout(scene: Scene, lines: Sequence[Line]) -> dict[str, Any]:
    tooltip = scene.panel.options.get("tooltip") or {}
    is_stacked = any(line.is_stacked for line in lines)
    layout = base_layout(scene) | {
        "barmode": "stack" if is_stacked else "overlay",
        "hovermode": "closest" if tooltip.get("mode") == "single" else "x unified",
        "hoversort": _tooltip_order(tooltip.get("sort", "none"), is_stacked=is_stacked),
        "yaxis": _axis(scene, [line for line in lines if line.axis == "y"]),
        "shapes": [*_threshold_shapes(lines, scene), *mark_shapes(scene)],
    }
    if tooltip.get("mode") == "none":
        layout["hovermode"] = False
    if right := [line for line in lines if line.axis == "y2"]:
        layout["yaxis2"] = _axis(scene, right) | {"overlaying": "y", "side": "right", "showgrid": False}
    return layout


def _tooltip_order(sort: str, *, is_stacked: bool) -> str:
    if sort == "none":
        return "trace"
    # Plotly turns the tooltip of stacked series upside down.
    return "value descending" if (sort == "desc") != is_stacked else "value ascending"


def _axis(scene: Scene, lines: Sequence[Line]) -> dict[str, Any]:
    shown = [line for line in lines if line.shown] or lines
    low, high = axis_range(_heights(shown), lines[0].field.config)
    height = scene.panel.grid.height * ROW_PIXELS - DECORATION_PIXELS
    axis = value_axis(lines[0].display, low, high, height)
    side = "right" if lines[0].custom.get("axisPlacement") == "right" else "left"
    return axis | {"side": side, "visible": lines[0].custom.get("axisPlacement") != "hidden"}


def _heights(lines: Sequence[Line]) -> list[float]:
    """Return every height that is drawn: of stacked series the sums at each time."""
    heights = [float(value) for line in lines for value in line.field.values if value is not None]
    stacked = [line for line in lines if line.is_stacked]
    if any((line.custom.get("stacking") or {}).get("mode") == "percent" for line in stacked):
        return [0.0, 1.0]
    sums: dict[float, float] = {}
    for line in stacked:
        time = line.frame.time_field()
        for moment, value in zip_longest(time.values if time else (), line.field.values):
            sums[moment] = sums.get(moment, 0.0) + (value or 0.0)
    return heights + list(sums.values())


def _threshold_shapes(lines: Sequence[Line], scene: Scene) -> list[dict[str, Any]]:
    config = lines[0].field.config
    style = ((config.get("custom") or {}).get("thresholdsStyle") or {}).get("mode", "off")
    steps = (config.get("thresholds") or {}).get("steps") or []
    if style == "off":
        return []
    shapes: list[dict[str, Any]] = []
    for index, step in enumerate(steps):
        color = scene.theme.color(step.get("color"))
        at = step.get("value")
        if at is not None and ("line" in style or "dashed" in style):
            dash = "dash" if "dashed" in style else "solid"
            shapes.append(_across(at, at, line={"color": color, "width": 1, "dash": dash}))
        if "area" in style and color.startswith("#"):
            following = steps[index + 1].get("value") if index + 1 < len(steps) else 1e300
            fill = with_opacity(color, 0.1)
            shapes.append(_across(-1e300 if at is None else at, following, fillcolor=fill, line={"width": 0}))
    return shapes


def _across(low: float, high: float, **look: Any) -> dict[str, Any]:
    kind = "line" if low == high else "rect"
    return {"type": kind, "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "layer": "below", **look}

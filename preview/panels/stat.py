"""Stat: one big number a series, with or without a line of how it got there."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from preview.colors import readable_text_on, shade, with_opacity
from preview.display import Display, FieldDisplay
from preview.frames import Field, Frame
from preview.panels.figure import STATIC, epoch_to_axis
from preview.panels.scene import Children, Drawing, Scene, anchor, calcs_of
from preview.reducers import reduce_values
from preview.units import Formatted


def draw(scene: Scene) -> Drawing:
    """Draw one tile a series; a panel without series shows its text for that, as big as a number."""
    calc = calcs_of(scene.panel.options)[0]
    tiles = [
        _tile(scene, frame, field, scene.display(field, index), reduce_values(field.numbers(), calc))
        for index, (frame, field) in enumerate(scene.series())
        if field.values
    ]
    if tiles:
        return Drawing(html.Div(tiles, className="stat-tiles"))
    nothing = Field("", "number", [None], config={"noValue": "No data", **scene.panel.defaults})
    return Drawing(
        html.Div(
            [_tile(scene, Frame((nothing,)), nothing, scene.display(nothing), None)], className="stat-tiles"
        ),
        "empty",
    )


def _tile(scene: Scene, frame: Frame, field: Field, display: FieldDisplay, value: float | None) -> html.Div:
    options = scene.panel.options
    shown = display(value)
    style, number_color = _colors(options.get("colorMode", "value"), shown, scene)
    children: list[Children] = []
    if _shows_name(options.get("textMode", "auto"), len(scene.series())):
        children.append(html.Div(field.display_name, className="stat-name"))
    children.append(_number(shown.text, number_color))
    if options.get("graphMode", "none") == "area" and len(field.values) > 1:
        children.append(_sparkline(scene, frame, field, shown.color))
    links = scene.links(frame, field, len(field.values) - 1, str(shown))
    inside = anchor(links[0], children, "stat-link") if links else children
    return html.Div(inside, className=f"stat-tile justify-{options.get('justifyMode', 'auto')}", style=style)


def _shows_name(mode: str, count: int) -> bool:
    return mode in ("name", "value_and_name") or (mode == "auto" and count > 1)


def _colors(mode: str, shown: Display, scene: Scene) -> tuple[dict[str, Any], str]:
    """Return the style of the tile and the colour of the number."""
    if mode == "background" and shown.color.startswith("#"):
        gradient = f"linear-gradient(120deg, {shade(shown.color, -0.15)}, {shown.color})"
        return {"background": gradient}, readable_text_on(shown.color)
    return {}, scene.theme.text if mode == "none" else shown.color


def _number(text: Formatted, color: str) -> html.Div:
    """Return the number at the size that its length leaves room for (see .stat-number in the style sheet)."""
    length = max(len(str(text)), 2)
    parts = [text.prefix, text.text, html.Span(text.suffix, className="stat-unit") if text.suffix else None]
    return html.Div(
        html.Span([part for part in parts if part]),
        className="stat-number",
        style={"color": color, "--characters": str(length)},
    )


def _sparkline(scene: Scene, frame: Frame, field: Field, color: str) -> dcc.Graph:
    time = frame.time_field()
    moments = time.values if time else range(len(field.values))
    trace = {
        "type": "scatter",
        "mode": "lines",
        "x": epoch_to_axis(moments, scene.view),
        "y": field.numbers(),
        "line": {"color": color, "width": 1},
        "fill": "tozeroy",
        "fillcolor": with_opacity(color, 0.2),
        "hoverinfo": "skip",
    }
    numbers = [number for number in field.numbers() if number is not None]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    low = float(field.config.get("min") or min(low, 0.0))
    room = (high - low) * 0.1 or 1.0
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False, "range": [low, high + room]},
        "showlegend": False,
    }
    return dcc.Graph(
        figure={"data": [trace], "layout": layout}, config=STATIC, className="stat-sparkline", responsive=True
    )

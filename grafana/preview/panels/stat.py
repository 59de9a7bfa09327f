"""Stat: one big number a series, with or without a line of how it got there."""

from __future__ import annotations

from typing import Any

from dash import html

from grafana.preview.colors import readable_text_on, shade
from grafana.preview.display import Display, FieldDisplay
from grafana.preview.formatted import Formatted
from grafana.preview.frames import Field, Frame
from grafana.preview.panels.scene import Children, Drawing, Scene, anchor, calcs_of
from grafana.preview.panels.sparkline import sparkline
from grafana.preview.reducers import reduce_values


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
        children.append(sparkline(frame, field, shown.color))
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
    """Return the number at the size that its length leaves room for (see .stat-number in panels.css)."""
    length = max(len(str(text)), 2)
    parts = [text.prefix, text.text, html.Span(text.suffix, className="stat-unit") if text.suffix else None]
    return html.Div(
        html.Span([part for part in parts if part]),
        className="stat-number",
        style={"color": color, "--characters": str(length)},
    )

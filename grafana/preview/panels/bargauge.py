"""Bar gauge: one bar a series, from the field's minimum to its maximum."""

from __future__ import annotations

from typing import Any

from dash import html

from grafana.preview.colors import with_opacity
from grafana.preview.display import Display
from grafana.preview.frames import Field, Frame
from grafana.preview.panels.scene import Drawing, Scene, anchor, calcs_of, no_data
from grafana.preview.reducers import reduce_values

Bar = tuple[Frame, Field, float]


def draw(scene: Scene) -> Drawing:
    """Draw the bars in the order of the query; without a configured end the longest one is full."""
    calc = calcs_of(scene.panel.options)[0]
    reduced = [(frame, field, reduce_values(field.numbers(), calc)) for frame, field in scene.series()]
    bars = [(frame, field, value) for frame, field, value in reduced if value is not None]
    if not bars:
        return no_data(scene)
    values = [value for _, _, value in bars]
    rows = [_row(scene, bar, index, min(values), max(values)) for index, bar in enumerate(bars)]
    return Drawing(html.Div(rows, className="bar-gauge"))


def _row(scene: Scene, bar: Bar, index: int, lowest: float, highest: float) -> html.Div:
    frame, field, value = bar
    limits = {"min": lowest, "max": highest} | {
        key: field.config[key] for key in ("min", "max") if field.config.get(key) is not None
    }
    limited = Field(
        field.name, "number", field.values, field.labels, {**field.config, **limits}, field.source_name
    )
    shown = scene.display(limited, index)(value)
    name: Any = field.display_name
    if links := scene.links(frame, field, len(field.values) - 1, str(shown)):
        name = anchor(links[0], name)
    number_color = (
        shown.color if scene.panel.options.get("valueMode", "color") == "color" else scene.theme.text
    )
    return html.Div(
        [
            html.Div(name, className="bar-name", title=field.display_name),
            html.Div(_fill(scene, shown), className="bar-track" + _unfilled(scene)),
            html.Div(str(shown), className="bar-value", style={"color": number_color}),
        ],
        className="bar-row",
    )


def _unfilled(scene: Scene) -> str:
    return " bar-unfilled" if scene.panel.options.get("showUnfilled", True) else ""


def _fill(scene: Scene, shown: Display) -> html.Div:
    """Return the filled part: flat with an edge (basic), or growing in colour (gradient)."""
    style = {"width": f"{shown.share * 100:.2f}%", "borderRightColor": shown.color}
    faint = with_opacity(shown.color, 0.35)
    if scene.panel.options.get("displayMode", "gradient") == "gradient":
        style["background"] = f"linear-gradient(90deg, {faint}, {shown.color})"
    else:
        style["background"] = faint
    return html.Div(className="bar-fill", style=style)

"""Heatmap of a histogram: one row a bucket, one column a step, colour by count."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from plotly.colors import sequential

from grafana.preview.display import FieldDisplay
from grafana.preview.frames import Field, Frame
from grafana.preview.panels.exemplar_list import exemplar_list
from grafana.preview.panels.figure import base_layout, plain
from grafana.preview.panels.marks import exemplar_trace
from grafana.preview.panels.scene import Drawing, Scene, no_data

LIGHT_TO_DARK = ("Oranges", "Blues", "Greens", "Greys", "Purples", "Reds", "YlOrRd", "YlGnBu")
"""Schemes that begin light: Grafana turns them round in the dark theme, so that few is dark there."""


def draw(scene: Scene) -> Drawing:
    """Draw the buckets of the first histogram."""
    frame = next((frame for frame in scene.data.frames if frame.is_heatmap), None)
    if frame is None or not any(sum(bucket.values) for bucket in frame.fields[1:]):
        return no_data(scene)
    buckets = frame.fields[1:]
    bounds = [float(bucket.name) for bucket in buckets]
    traces = [_cells(scene, frame), *exemplar_trace(scene, _heights(scene, bounds))]
    layout = base_layout(scene) | {
        "hovermode": "closest",
        "yaxis": {
            "tickmode": "array",
            "ticks": "",
            "ticklabelstandoff": 6,
            "tickvals": list(range(len(buckets))),
            "ticktext": [plain(text) for text in bound_texts(scene, bounds)],
            "range": [-0.5, len(buckets) - 0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
    }
    layout["xaxis"] |= {"showgrid": False, "ticks": ""}
    return Drawing(figure={"data": traces, "layout": layout}, legend=exemplar_list(scene))


def bound_texts(scene: Scene, bounds: Sequence[float]) -> list[str]:
    """Return the buckets' upper bounds in the unit of the y axis."""
    axis = scene.panel.options.get("yAxis") or {}
    field = Field(
        "le", "number", [], config={"unit": axis.get("unit", "short"), "decimals": axis.get("decimals")}
    )
    display = scene.display(field)
    return ["+Inf" if math.isinf(bound) else str(display(bound, 2)) for bound in bounds]


def _cells(scene: Scene, frame: Frame) -> dict[str, Any]:
    options = scene.panel.options.get("color") or {}
    gap = scene.panel.options.get("cellGap", 1)
    buckets = frame.fields[1:]
    unit = (scene.panel.options.get("cellValues") or {}).get("unit") or scene.panel.defaults.get(
        "unit", "short"
    )
    display = scene.display(Field("count", "number", [], config={"unit": unit}))
    counts = [[value if value > 0 else None for value in bucket.values] for bucket in buckets]
    highest = max(value for row in counts for value in row if value is not None)
    exponent = options.get("exponent", 0.5) if options.get("scale", "exponential") == "exponential" else 1
    times = frame.fields[0].values
    half = scene.data.step * 500
    return {
        "type": "heatmap",
        # Grafana puts a cell before the time of its sample: the count of the interval that ended there.
        "x": [time - half for time in times],
        "y": list(range(len(buckets))),
        "z": [[None if n is None else (n / highest) ** exponent for n in row] for row in counts],
        "zmin": 0,
        "zmax": 1,
        "text": _cell_texts(scene, buckets, counts, display),
        "hovertemplate": "%{text}<extra></extra>",
        "hoverongaps": False,
        "xgap": gap,
        "ygap": gap,
        "colorscale": color_scale(options, dark=scene.theme.name == "dark"),
        "showscale": bool((scene.panel.options.get("legend") or {}).get("show", True)),
        "colorbar": _color_bar(highest, exponent, display),
    }


def _cell_texts(
    scene: Scene, buckets: Sequence[Field], counts: Sequence[Sequence[float | None]], display: FieldDisplay
) -> list[list[str]]:
    bounds = bound_texts(scene, [float(bucket.name) for bucket in buckets])
    spans = [f"{low} to {high}" for low, high in zip(["0", *bounds], bounds, strict=False)]
    return [
        [plain(f"{span}: {display(count)}") if count is not None else "" for count in row]
        for span, row in zip(spans, counts, strict=True)
    ]


def color_scale(options: dict[str, Any], *, dark: bool) -> list[tuple[float, str]]:
    """Return the colours from few to many of one of Grafana's schemes."""
    scheme = str(options.get("scheme", "Oranges"))
    colors = list(getattr(sequential, scheme, sequential.Oranges))
    turned = dark and scheme in LIGHT_TO_DARK
    ordered = colors[::-1] if turned != bool(options.get("reverse")) else colors
    return [(index / (len(ordered) - 1), color) for index, color in enumerate(ordered)]


def _color_bar(highest: float, exponent: float, display: FieldDisplay) -> dict[str, Any]:
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return {
        "thickness": 8,
        "outlinewidth": 0,
        "len": 1,
        "xpad": 4,
        "ypad": 4,
        "tickvals": [share**exponent for share in shares],
        "ticktext": [plain(str(display(highest * share))) for share in shares],
        "tickfont": {"size": 10},
    }


def _heights(scene: Scene, bounds: Sequence[float]) -> list[Any]:
    """Return the places of the exemplars among the rows: within its bucket, by where its value lies there."""
    return [_height(exemplar.value, bounds) for exemplar in scene.data.exemplars]


def _height(value: float, bounds: Sequence[float]) -> float:
    row = min(bisect_left(bounds, value), len(bounds) - 1)
    low = bounds[row - 1] if row else 0.0
    width = bounds[row] - low
    return row - 0.5 + ((value - low) / width if math.isfinite(width) and width else 0.5)

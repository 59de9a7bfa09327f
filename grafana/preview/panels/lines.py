"""The lines and bars of a time series: one trace of Plotly a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana.preview.colors import with_opacity
from grafana.preview.display import FieldDisplay
from grafana.preview.frames import Field, Frame
from grafana.preview.panels.figure import plain
from grafana.preview.panels.scene import Scene

DASHES = {"dash": "dash", "dot": "dot", "solid": "solid"}
SHAPES = {"linear": "linear", "smooth": "spline", "stepBefore": "vh", "stepAfter": "hv"}


@dataclass(frozen=True, slots=True)
class Line:
    """One series as it will be drawn."""

    frame: Frame
    field: Field
    display: FieldDisplay
    axis: str
    shown: bool

    @property
    def custom(self) -> dict[str, Any]:
        """How it is drawn: `fieldConfig.custom` of Grafana."""
        return self.field.config.get("custom") or {}

    @property
    def is_stacked(self) -> bool:
        """Whether it is piled on the series before it."""
        return str((self.custom.get("stacking") or {}).get("mode", "none")) != "none"

    @property
    def is_bars(self) -> bool:
        """Whether it is drawn as bars."""
        return str(self.custom.get("drawStyle")) == "bars"


def draw_line(line: Line, scene: Scene) -> dict[str, Any]:
    """Return the trace of a series, with its values in words and its links."""
    time = line.frame.time_field()
    values = line.field.numbers()
    name = plain(line.field.display_name)
    common = {
        "name": name,
        "x": time.values if time else [],
        "y": values,
        "yaxis": line.axis,
        "text": [plain(str(line.display(value))) for value in values],
        # The name goes by `meta`: in the template itself it could be read as a placeholder.
        "meta": {
            "name": name,
            "links": [[link.title, link.href] for link in scene.links(line.frame, line.field)],
        },
        "hovertemplate": "%{meta.name}: <b>%{text}</b><extra></extra>",
    }
    return common | (_bars(line, scene) if line.is_bars else _line(line))


def _line(line: Line) -> dict[str, Any]:
    custom, color = line.custom, line.display.series_color()
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "connectgaps": custom.get("spanNulls") is True,
        "line": {
            "color": color,
            "width": custom.get("lineWidth", 1),
            "shape": SHAPES.get(custom.get("lineInterpolation", "linear"), "linear"),
            "dash": DASHES.get((custom.get("lineStyle") or {}).get("fill", "solid"), "solid"),
        },
        "marker": {"color": color, "size": _marker_sizes(line), "line": {"width": 0}},
    }
    opacity = custom.get("fillOpacity", 0) / 100
    if line.is_stacked:
        stacking = custom["stacking"]
        trace |= {
            "stackgroup": f"{line.axis}{stacking.get('group', 'A')}",
            "fillcolor": with_opacity(color, opacity),
        }
        trace |= {"groupnorm": "fraction"} if stacking["mode"] == "percent" else {}
    elif opacity and not has_gap(line.field.values):  # Plotly would fill the gap as well
        trace |= {"fill": "tozeroy", "fillcolor": with_opacity(color, opacity)}
    return trace


def has_gap(values: Sequence[object]) -> bool:
    """Tell whether something is missing between two values."""
    there = [index for index, value in enumerate(values) if value is not None]
    return bool(there) and len(there) <= there[-1] - there[0]


def _marker_sizes(line: Line) -> list[float] | float:
    """Return points where asked for; with `auto` for values between gaps, which no line would show."""
    size = line.custom.get("pointSize", 5)
    mode = line.custom.get("showPoints", "auto")
    if mode == "always":
        return float(size)
    values = [None, *line.field.values, None]
    return [
        float(size) if mode == "auto" and before is None and after is None and value is not None else 0.0
        for before, value, after in zip(values, values[1:], values[2:], strict=False)
    ]


def _bars(line: Line, scene: Scene) -> dict[str, Any]:
    color = line.display.series_color()
    opacity = line.custom.get("fillOpacity", 70) / 100
    return {
        "type": "bar",
        "width": scene.data.step * 1000 * 0.9 or None,
        "marker": {
            "color": with_opacity(color, opacity),
            "line": {"color": color, "width": line.custom.get("lineWidth", 1)},
        },
        "textposition": "none",
    }

"""The drawing of each panel type: one module a type, all with the same `draw`."""

from __future__ import annotations

from collections.abc import Callable

from grafana.preview.panels import alertlist, bargauge, heatmap, stat, state_timeline, table, text, timeseries
from grafana.preview.panels.scene import Drawing, Scene

DRAWERS: dict[str, Callable[[Scene], Drawing]] = {
    "alertlist": alertlist.draw,
    "bargauge": bargauge.draw,
    "heatmap": heatmap.draw,
    "stat": stat.draw,
    "state-timeline": state_timeline.draw,
    "table": table.draw,
    "text": text.draw,
    "timeseries": timeseries.draw,
}
"""By Grafana's id of the panel type."""

GRAPHS = ("heatmap", "state-timeline", "timeseries")
"""The types that Plotly draws."""

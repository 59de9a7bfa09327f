"""What all Plotly figures of the preview share: look, time axis, texts that are never markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from preview.panels.scene import Scene
from preview.query import panel_pixels
from preview.view import View

Figure = dict[str, Any]

STATIC: Any = {"staticPlot": True, "displayModeBar": False}
INTERACTIVE: Any = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}

PIXELS_PER_LABEL = 80

FONT = "Inter, Helvetica, Arial, sans-serif"


def plain(text: str) -> str:
    """Return the text so that Plotly shows it as it is: it takes <b>, <a> and &amp; for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def epoch_to_axis(moments: Sequence[float], view: View) -> list[float]:
    """Shift milliseconds since 1970 so that Plotly, which only knows UTC, shows the browser's zone."""
    return [moment + _offset(moment, view) for moment in moments]


def _offset(moment: float, view: View) -> float:
    """Return how far the reader's time zone is from UTC, in milliseconds; it may change within a graph."""
    start, end = _zone_offset(view.time_range.start), _zone_offset(view.time_range.end)
    if start == end:
        return start
    return _zone_offset(datetime.fromtimestamp(moment / 1000, tz=view.now.tzinfo))


def _zone_offset(moment: datetime) -> float:
    return (moment.utcoffset() or timedelta()).total_seconds() * 1000


def time_axis(view: View, pixels: int) -> dict[str, Any]:
    """Return the x axis over the whole time range."""
    start, end = view.time_range.start.timestamp() * 1000, view.time_range.end.timestamp() * 1000
    return {
        "type": "date",
        "range": epoch_to_axis([start, end], view),
        "gridcolor": view.theme.grid,
        "zeroline": False,
        "showline": False,
        "tickfont": {"size": 12},
        "nticks": max(2, pixels // PIXELS_PER_LABEL),
        "tickangle": 0,
        "automargin": True,
        "ticklabeloverflow": "hide past domain",
        "hoverformat": "%Y-%m-%d %H:%M:%S",
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M"},
            {"dtickrange": [86_400_000, "M1"], "value": "%m/%d"},
            {"dtickrange": ["M1", None], "value": "%Y-%m"},
        ],
    }


def base_layout(scene: Scene) -> dict[str, Any]:
    """Return the layout that every figure starts from."""
    theme = scene.theme
    return {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.text},
        "showlegend": False,
        "hoverlabel": {
            "bgcolor": theme.panel,
            "bordercolor": theme.border,
            "namelength": -1,
            "align": "left",
            "font": {"family": FONT, "size": 12, "color": theme.text},
        },
        "dragmode": "zoom",
        "uirevision": "same",
        "xaxis": time_axis(scene.view, panel_pixels(scene.panel.grid, scene.view)),
    }

"""What all Plotly figures of the preview share: look, time axis, texts that are never markup."""

from __future__ import annotations

from typing import Any

from grafana.preview.panels.scene import Scene
from grafana.preview.query import panel_pixels
from grafana.preview.view import View

Figure = dict[str, Any]

PIXELS_PER_LABEL = 80

FONT = "Inter, Helvetica, Arial, sans-serif"


def plain(text: str) -> str:
    """Return the text so that Plotly shows it as it is: it takes <b>, <a> and &amp; for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def time_axis(view: View, pixels: int) -> dict[str, Any]:
    """Return the x axis over the whole time range.

    Plotly shows times that are numbers, milliseconds since 1970, in the browser's time zone.
    """
    start, end = view.time_range.start.timestamp() * 1000, view.time_range.end.timestamp() * 1000
    return {
        "type": "date",
        "range": [start, end],
        "gridcolor": view.theme.grid,
        "zeroline": False,
        "showline": False,
        "tickfont": {"size": 12},
        "nticks": max(2, pixels // PIXELS_PER_LABEL),
        "tickangle": 0,
        "automargin": True,
        "ticklabeloverflow": "hide past domain",
        "spikethickness": 1,
        "spikecolor": view.theme.muted,
        "spikedash": "solid",
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
        "paper_bgcolor": theme.panel,
        "plot_bgcolor": theme.panel,
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

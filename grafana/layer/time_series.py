"""Grafana's time series panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from grafana.layer.fields import COUNT, Json, Link, fixed_colour, override
from grafana.layer.panel import GREEN, LEGENDS, Panel
from grafana.layer.query import Query, most_points, targets

SOFT_MAXIMA = {COUNT: 1, "suffix": 1, "ops": 1, "cps": 1, "percentunit": 0.1}
"""The minimum range of an axis by unit: if all values are zero, Grafana's own range goes to 100."""
ROOM_ABOVE_LIMIT = 1.25

SCALES: Mapping[str, Json] = {
    "linear": {"type": "linear"},
    "log": {"type": "log", "log": 10},
    "symlog": {"type": "symlog", "log": 10, "linearThreshold": 1},
}
ALL_SERIES_SORTED = {"mode": "multi", "sort": "desc"}


def time_series(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str = COUNT,
    limit: Json | None = None,
    minimum: float | None = 0,
    maximum: float | None = None,
    soft_maximum: float | None = None,
    stacked: bool = False,
    bars: bool = False,
    scale: Literal["linear", "log", "symlog"] = "linear",
    series_colours: Mapping[str, str] | None = None,
    legend: Literal["bottom", "right", "none"] = "bottom",
    no_value: str | None = None,
    links: Sequence[Link] = (),
    series_links: Sequence[Link] = (),
) -> Panel:
    """Lines over time, or bars for counts in intervals.

    Args:
        title: the question, in a few words.
        description: what exactly is shown, and what to do about it.
        queries: each may return several series.
        unit: Grafana's id of the unit.
        limit: thresholds, drawn as dashed lines.
        minimum: lower end of the axis; None if values below zero have a meaning.
        maximum: upper end of the axis, if the values have a natural one.
        soft_maximum: minimum range of the axis, if the unit does not set it; a limit is always visible.
        stacked: stack the series, if their sum has a meaning.
        bars: draw bars.
        scale: `log` if small values matter as much as large ones, `symlog` if some are 0.
        series_colours: colours of series that mean good or bad. The others get a colour by name, the same on
            all dashboards.
        legend: `bottom` shows names only, `right` adds last, mean and maximum.
        no_value: text instead of "No data".
        links: links of the panel.
        series_links: links of a point of a series.
    """
    colours = (series_colours or {}).items()
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        targets=targets(queries, "time_series", instant=False),
        most_points=most_points(queries),
        links=links,
        options={"legend": LEGENDS[legend], "tooltip": ALL_SERIES_SORTED},
        defaults={
            "unit": unit,
            # Whole things have ticks at whole numbers.
            "decimals": 0 if unit == COUNT else None,
            "min": None if scale == "log" else minimum,
            "max": maximum,
            "color": {"mode": "palette-classic-by-name"},
            "thresholds": limit or GREEN,
            "noValue": no_value,
            "links": [link.json() for link in series_links],
            "custom": {
                "axisSoftMin": -1 if minimum is None else None,
                "axisSoftMax": _soft_maximum(unit, limit, soft_maximum) if maximum is None else None,
                "drawStyle": "bars" if bars else "line",
                "lineWidth": 0 if bars else 1,
                "fillOpacity": 70 if bars else 30 if stacked else 10 if scale == "linear" else 0,
                # Show lone samples between gaps.
                "showPoints": "never" if bars else "auto",
                "pointSize": 4,
                "scaleDistribution": SCALES[scale],
                # Do not draw across gaps.
                "spanNulls": False,
                "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if limit else "off"},
            },
        },
        overrides=[override(name, {"color": fixed_colour(colour)}) for name, colour in colours],
    )


def _soft_maximum(unit: str, limit: Json | None, asked: float | None) -> float | None:
    usual = SOFT_MAXIMA.get(unit.partition(":")[0]) if asked is None else asked
    limits = [step["value"] for step in limit["steps"]] if limit else []
    ends = [usual, *(ROOM_ABOVE_LIMIT * value for value in limits if value is not None)]
    return max((end for end in ends if end is not None), default=None)

"""What happened over time: the time series, the heatmap and the state timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from grafana.layer.fields import Json, Link, fixed_colour, override
from grafana.layer.panel import GREEN, LEGENDS, PLAIN, Panel
from grafana.layer.query import Query, targets

ALL_SERIES_SORTED = {"mode": "multi", "sort": "desc"}


def time_series(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str = "short",
    limit: Json | None = None,
    minimum: float | None = 0,
    maximum: float | None = None,
    stacked: bool = False,
    bars: bool = False,
    series_colours: Mapping[str, str] | None = None,
    legend: Literal["bottom", "right", "none"] = "bottom",
    no_value: str | None = None,
    links: Sequence[Link] = (),
    series_links: Sequence[Link] = (),
) -> Panel:
    """Lines over time, or bars for what is counted per interval.

    Args:
        title: the question, in a few words.
        description: what exactly is shown, and what to do about it.
        queries: each may give several series.
        unit: Grafana's id of the unit.
        limit: thresholds that are drawn as dashed lines.
        minimum: lower end of the axis; None where values below zero have a meaning.
        maximum: upper end of the axis, where the values have a natural one.
        stacked: pile the series up, where their sum means something.
        bars: draw bars.
        series_colours: colour by series name, for series that mean good or bad.
        legend: at the bottom names only, on the right with last, mean and maximum.
        no_value: what to say in place of "No data".
        links: links of the panel.
        series_links: links of a point of a series.
    """
    colours = (series_colours or {}).items()
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        targets=targets(queries, "time_series", instant=False),
        links=links,
        options={"legend": LEGENDS[legend], "tooltip": ALL_SERIES_SORTED},
        defaults={
            "unit": unit,
            "min": minimum,
            "max": maximum,
            "color": {"mode": "palette-classic"},
            "thresholds": limit or GREEN,
            "noValue": no_value,
            "links": [link.json() for link in series_links],
            "custom": {
                "drawStyle": "bars" if bars else "line",
                "lineWidth": 0 if bars else 1,
                "fillOpacity": 70 if bars else 30 if stacked else 10,
                # Lone samples between gaps stay visible.
                "showPoints": "never" if bars else "auto",
                "pointSize": 4,
                "spanNulls": False,
                "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if limit else "off"},
            },
        },
        overrides=[override(name, {"color": fixed_colour(colour)}) for name, colour in colours],
    )


def heatmap(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    cell_unit: str,
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """A histogram over time: one row a bucket (`unit`), the colour tells how many (`cell_unit`).

    The query gives one series a bucket, cumulative, with the label `le`.
    """
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        targets=targets([query], "heatmap", instant=False),
        links=links,
        options={
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": cell_unit},
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "fill": "dark-orange",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
            },
            "exemplars": {"color": "rgba(31, 120, 255, 0.8)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
            "yAxis": {"unit": unit, "axisPlacement": "left", "reverse": False},
        },
        defaults={"unit": cell_unit, "noValue": no_value},
    )


def state_timeline(
    title: str,
    description: str,
    query: Query,
    *,
    states: Sequence[Json],
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One row a series: its state over time, as `states` maps its values to words and colours."""
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=False),
        links=links,
        options={
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.8,
            "legend": LEGENDS["bottom"],
            "tooltip": {"mode": "single", "sort": "none"},
        },
        defaults={
            "color": {"mode": "thresholds"},
            "thresholds": PLAIN,
            "mappings": list(states),
            "noValue": no_value,
            "custom": {"fillOpacity": 80, "lineWidth": 0},
        },
    )

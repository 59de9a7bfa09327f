"""One function a panel type: what differs between panels is an argument, what is house style is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafanalib import core as grafanalib

from grafana.layer.fields import Json, Link, fixed_colour, override, thresholds
from grafana.layer.query import DATA_SOURCE, Query, targets

PLUGIN_VERSION = "13.2.3"
"""The Grafana whose options these panels are written for."""

REDUCE_TO_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
LEGENDS: dict[str, Json] = {
    "bottom": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
    "right": {
        "showLegend": True,
        "displayMode": "table",
        "placement": "right",
        "calcs": ["lastNotNull", "mean", "max"],
    },
    "none": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
}
ALL_SERIES_SORTED = {"mode": "multi", "sort": "desc"}

NO_THRESHOLDS = thresholds("green")
PLAIN = thresholds("text")
"""The colour of text, whatever the value: for numbers that are neither good nor bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel of any type.

    Not one of grafanalib's: those have Grafana's options of years ago, and none of today's.
    """

    type: str
    title: str
    description: str | None = None
    options: Json
    targets: Sequence[Json] = ()
    """What it asks; none for a panel that shows no data."""
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    links: Sequence[Link] = ()
    id: int | None = None
    position: grafanalib.GridPos | None = None

    def to_json_data(self) -> Json:
        """The panel as Grafana stores it; grafanalib's encoder calls this."""
        data = {
            "datasource": DATA_SOURCE,
            "targets": self.targets,
            "transformations": self.transformations,
            "fieldConfig": {"defaults": self.defaults, "overrides": self.overrides},
        }
        return {
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": self.position,
            "pluginVersion": PLUGIN_VERSION,
            "options": self.options,
            "links": [link.json() for link in self.links],
            **(data if self.targets else {}),
        }


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "short",
    colours: Json = PLAIN,
    decimals: int | None = None,
    mappings: Sequence[Json] = (),
    sparkline: bool = False,
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One number, now; with `sparkline` also how it got there, from a range query."""
    return Panel(
        type="stat",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=not sparkline),
        links=links,
        options={
            "reduceOptions": REDUCE_TO_LAST,
            "colorMode": "value",
            "graphMode": "area" if sparkline else "none",
            "justifyMode": "center",
            "orientation": "auto",
            "textMode": "value",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        },
        defaults={
            "unit": unit,
            "decimals": decimals,
            "color": {"mode": "thresholds"},
            "thresholds": colours,
            "mappings": list(mappings),
            "noValue": no_value,
        },
    )


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
            "thresholds": limit or NO_THRESHOLDS,
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


def bar_gauge(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = "short",
    decimals: int | None = None,
    colours: Json = NO_THRESHOLDS,
    maximum: float | None = None,
    no_value: str | None = None,
    links: Sequence[Link] = (),
    series_links: Sequence[Link] = (),
) -> Panel:
    """One horizontal bar a series, now, in the query's order."""
    return Panel(
        type="bargauge",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=True),
        links=links,
        options={
            "reduceOptions": REDUCE_TO_LAST,
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "namePlacement": "left",
            "showUnfilled": True,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 36,
            "legend": LEGENDS["none"],
        },
        defaults={
            "unit": unit,
            "decimals": decimals,
            "min": 0,
            "max": maximum,
            "color": {"mode": "thresholds"},
            "thresholds": colours,
            "noValue": no_value,
            "links": [link.json() for link in series_links],
        },
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


def text(title: str, markdown: str) -> Panel:
    """Words that never change."""
    return Panel(type="text", title=title, options={"mode": "markdown", "content": markdown})


def alert_list(title: str, description: str, *, data_source_name: str, name_filter: str = "") -> Panel:
    """Alerts of the data source's own rules that are pending or firing."""
    return Panel(
        type="alertlist",
        title=title,
        description=description,
        options={
            "viewMode": "list",
            "groupMode": "default",
            "groupBy": [],
            "maxItems": 50,
            "sortOrder": 3,
            "dashboardAlerts": False,
            "alertName": name_filter,
            "alertInstanceLabelFilter": "",
            "datasource": data_source_name,
            "showInstances": False,
            "showInactiveAlerts": False,
            "stateFilter": {
                "firing": True,
                "pending": True,
                "recovering": True,
                "noData": False,
                "normal": False,
                "error": True,
            },
        },
    )

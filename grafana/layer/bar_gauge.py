"""Grafana's bar gauge: one horizontal bar for each series, with its current value."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.layer.fields import COUNT, Json, Link
from grafana.layer.panel import GREEN, LEGENDS, REDUCE_TO_LAST, Panel
from grafana.layer.query import Query, targets


def bar_gauge(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = COUNT,
    decimals: int | None = None,
    colours: Json = GREEN,
    maximum: float | None = None,
    no_value: str | None = None,
    links: Sequence[Link] = (),
    series_links: Sequence[Link] = (),
) -> Panel:
    """One horizontal bar for each series, with its current value, in the query's order."""
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
            # The name is above its bar, so that it has the whole width.
            "namePlacement": "top",
            "showUnfilled": True,
            # By default Grafana stretches a few bars, and their text, to the height of the panel.
            "sizing": "manual",
            "minVizWidth": 8,
            "minVizHeight": 36,
            "maxVizHeight": 36,
            "text": {"titleSize": 13, "valueSize": 13},
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

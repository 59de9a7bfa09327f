"""Grafana's stat panel: one current number."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.layer.fields import COUNT, Json, Link
from grafana.layer.panel import PLAIN, REDUCE_TO_LAST, Panel
from grafana.layer.query import Query, most_points, targets


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = COUNT,
    colours: Json = PLAIN,
    decimals: int | None = None,
    mappings: Sequence[Json] = (),
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One current number. Grafana would draw its course behind it: graphs show that."""
    return Panel(
        type="stat",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=True),
        most_points=most_points([query]),  # then its $__interval is that of a graph beside it
        links=links,
        options={
            "reduceOptions": REDUCE_TO_LAST,
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "textMode": "value",
            "wideLayout": True,
            # By default Grafana makes each number as large as its panel allows, so a row would have several
            # sizes.
            "text": {"titleSize": 14, "valueSize": 32},
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

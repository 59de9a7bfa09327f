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
    sparkline: bool = False,
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One current number; with `sparkline` also its course, from a range query."""
    return Panel(
        type="stat",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=not sparkline),
        most_points=most_points([query]) if sparkline else None,
        links=links,
        options={
            "reduceOptions": REDUCE_TO_LAST,
            "colorMode": "value",
            "graphMode": "area" if sparkline else "none",
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

"""Grafana's state timeline."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.layer.fields import Json, Link
from grafana.layer.panel import LEGENDS, PLAIN, Panel
from grafana.layer.query import Query, most_points, targets


def state_timeline(
    title: str,
    description: str,
    query: Query,
    *,
    states: Sequence[Json],
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One row for each series: its state over time. `states` maps its values to words and colours."""
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        targets=targets([query], "time_series", instant=False),
        most_points=most_points([query]),
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

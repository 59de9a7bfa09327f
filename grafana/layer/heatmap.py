"""Grafana's heatmap."""

from __future__ import annotations

from collections.abc import Sequence

from grafana.layer.fields import Link
from grafana.layer.panel import Panel
from grafana.layer.query import Query, most_points, targets


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
    """A histogram over time. Each row is a bucket (`unit`); the colour is its count (`cell_unit`).

    The query returns one cumulative series for each bucket, with the label `le`.
    """
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        targets=targets([query], "heatmap", instant=False),
        most_points=most_points([query]),
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

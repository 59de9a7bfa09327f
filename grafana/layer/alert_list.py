"""Grafana's alert list."""

from __future__ import annotations

from grafana.layer.panel import Panel


def alert_list(title: str, description: str, *, data_source_name: str, name_filter: str = "") -> Panel:
    """Pending and firing alerts of the data source's own rules."""
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

"""Grafana's alert list."""

from __future__ import annotations

from grafana.layer.panel import Panel


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

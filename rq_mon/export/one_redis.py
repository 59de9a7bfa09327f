"""Dashboards for one Redis: no choice of Redis or data source, and no Redis column."""

from __future__ import annotations

import re
from typing import Any

CHOICES = ("datasource", "instance")
"""Variables with only one value."""
COLUMN = "instance"
HIDDEN = 2
"""Grafana's number for a hidden variable; it still has its default value."""
_IN_LINK = re.compile(r"var-instance=[^&]*&")
"""A field or label that is gone; links then use "all"."""


def for_one_redis(board: Any) -> Any:
    """Return the dashboard without choices and columns of Redis."""
    variables = [
        {**each, "hide": HIDDEN} if each["name"] in CHOICES else each for each in board["templating"]["list"]
    ]
    return {
        **_without_instance_in_links(board),
        "templating": {"list": variables},
        "panels": [_without_column(_without_instance_in_links(panel)) for panel in board["panels"]],
    }


def _without_instance_in_links(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_instance_in_links(item) for key, item in value.items()}
        case list():
            return [_without_instance_in_links(item) for item in value]
        case str() if value.startswith("/d/"):
            return _IN_LINK.sub("", value)
    return value


def _without_column(panel: dict[str, Any]) -> dict[str, Any]:
    if panel["type"] != "table":
        return panel
    headers = {
        transformation["options"]["renameByName"].get(COLUMN)
        for transformation in panel["transformations"]
        if transformation["id"] == "organize"
    }
    config = panel["fieldConfig"]
    kept = [each for each in config["overrides"] if each["matcher"]["options"] not in headers]
    return {
        **panel,
        "transformations": [_excluding(each) for each in panel["transformations"]],
        "fieldConfig": {**config, "overrides": kept},
    }


def _excluding(transformation: dict[str, Any]) -> dict[str, Any]:
    if transformation["id"] != "organize":
        return transformation
    options = transformation["options"]
    names = ("indexByName", "renameByName")
    others = {name: {key: item for key, item in options[name].items() if key != COLUMN} for name in names}
    return {
        **transformation,
        "options": {**options, **others, "excludeByName": {**options["excludeByName"], COLUMN: True}},
    }

"""A dashboard around its panels, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grafanalib import core as grafanalib
from grafanalib._gen import DashboardEncoder

from grafana.layer.fields import Json
from grafana.layer.layout import Heading, Row, place
from grafana.layer.query import DATA_SOURCE, Query

SCHEMA_VERSION = 42
"""The last version of the classic schema: Grafana has nothing to migrate."""

FIRST_RANGE = "now-15m"
"""A stack of two minutes fills a seventh of it. After an hour it shows the present."""

ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}

DEAD_DASHBOARD_KEYS = {"__inputs", "gnetId", "hideControls", "id", "rows", "sharedCrosshair", "style"}
DEAD_VARIABLE_KEYS = {"useTags", "tagsQuery", "tagValuesQuery", "auto", "auto_min", "auto_count"}
MEANINGFUL_NULLS = {"value", "from", "to"}
"""Null means infinity in the first step of thresholds and in range mappings."""

ROW_KEYS = {"id", "type", "title", "collapsed", "gridPos", "panels"}


def data_source_variable(uid: str, name: str) -> grafanalib.Template:
    """A choice of Prometheus data sources; the default is the one with this uid and name."""
    return grafanalib.Template(
        name="datasource", label="Data source", type="datasource", query="prometheus", default=(uid, name)
    )


def label_variable(name: str, label: str, selector: str) -> grafanalib.Template:
    """A multiple choice of the values of a label in the series of `selector`; the default is all."""
    return grafanalib.Template(
        name=name,
        label=label,
        query=f"label_values({selector}, {name})",
        dataSource=DATA_SOURCE,
        multi=True,
        includeAll=True,
        allValue=".+",
        refresh=2,  # when the time range changes
    )


def hidden_variable(name: str, selector: str, label: str) -> grafanalib.Template:
    """A value for links, hidden from the reader: this label in the first series of `selector`."""
    return grafanalib.Template(
        name=name,
        label=name,
        query=f"label_values({selector}, {label})",
        dataSource=DATA_SOURCE,
        hide=grafanalib.HIDE_VARIABLE,
        refresh=2,
    )


def computed_variable(name: str, expr: str) -> grafanalib.Template:
    """A value for queries, hidden from the reader: the label `name` in the result of `expr`."""
    return grafanalib.Template(
        name=name,
        label=name,
        query=f"query_result({expr})",
        regex=f'.*{name}="(.*)".*',
        dataSource=DATA_SOURCE,
        hide=grafanalib.HIDE_VARIABLE,
        refresh=2,
    )


def annotation(
    name: str, query: Query, *, title: str, text: str, tags: str = "instance", colour: str = "red"
) -> Json:
    """Marks on all graphs while the query returns series."""
    return {
        "name": name,
        "datasource": DATA_SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": query.expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": tags,
    }


def dashboard(
    uid: str,
    title: str,
    question: str,
    *,
    tag: str,
    variables: Sequence[grafanalib.Template],
    annotations: Sequence[Json],
    rows: Sequence[Row | Heading],
) -> grafanalib.Dashboard:
    """A read-only dashboard, with a menu of all others that have the same tag.

    Args:
        uid: its address, which never changes.
        title: its name in menus.
        question: the question that it answers.
        tag: shared by the dashboards in its menu.
        variables: choices at its top.
        annotations: marks on its graphs.
        rows: its panels from top to bottom.
    """
    menu = grafanalib.DashboardLink(
        title="Dashboards", tags=[tag], type="dashboards", asDropdown=True, includeVars=True, keepTime=True
    )
    return grafanalib.Dashboard(
        uid=uid,
        title=title,
        description=question,
        tags=[tag],
        schemaVersion=SCHEMA_VERSION,
        editable=False,
        timezone="browser",
        graphTooltip=1,
        refresh="10s",
        time=grafanalib.Time(FIRST_RANGE, "now"),
        links=[menu],
        templating=grafanalib.Templating(list(variables)),
        annotations=grafanalib.Annotations(list(annotations)),
        panels=place(rows),
    )


def to_json(board: grafanalib.Dashboard) -> str:
    """The dashboard as Grafana stores it. The same input gives the same text."""
    raw: Json = json.loads(json.dumps(board, cls=DashboardEncoder))
    clean = _without_nulls({key: value for key, value in raw.items() if key not in DEAD_DASHBOARD_KEYS})
    clean["timepicker"] = {}
    clean["panels"] = [_panel(panel) for panel in clean["panels"]]
    clean["templating"]["list"] = [_variable(variable) for variable in clean["templating"]["list"]]
    return as_text(clean)


def as_text(board: Json) -> str:
    """The JSON text for the repository."""
    return json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_nulls(item)
            for key, item in value.items()
            if item is not None or key in MEANINGFUL_NULLS
        }
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _panel(panel: Json) -> Json:
    # A heading is grafanalib's RowPanel, without keys that no longer exist.
    return {k: v for k, v in panel.items() if k in ROW_KEYS} if panel["type"] == "row" else panel


def _variable(variable: Json) -> Json:
    alive = {key: value for key, value in variable.items() if key not in DEAD_VARIABLE_KEYS}
    if variable["type"] == "datasource":
        uid, name = variable["current"]["value"]
        return alive | {"current": {"selected": True, "text": name, "value": uid}}
    if variable["hide"] == grafanalib.HIDE_VARIABLE:
        # A variable in the page's URL must not decide where links lead.
        return alive | {"current": {}, "definition": variable["query"], "skipUrlSync": True}
    return alive | {"current": ALL, "definition": variable["query"]}

"""Two dashboards with every panel type, on the metrics of history.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

STEPS = [
    {"color": "green", "value": None},
    {"color": "orange", "value": 20},
    {"color": "red", "value": 60},
]
TO_OTHER = {"title": "Other", "url": "/d/other?var-queue=${__data.fields.queue}&${__url_time_range}"}


def panel(number: int, type_: str, title: str, expr: str | None = None, **changes: Any) -> Json:
    """A panel of a third of the page; its number determines the position."""
    instant = type_ in ("table", "bargauge", "stat")
    target = {
        "refId": "A",
        "expr": expr,
        "instant": instant,
        "range": not instant,
        "format": {"table": "table", "heatmap": "heatmap"}.get(type_, "time_series"),
        "legendFormat": changes.pop("legend", "__auto"),
        "exemplar": changes.pop("exemplar", False),
    }
    place = {"x": number % 3 * 8, "y": number // 3 * 8, "w": 8, "h": 8}
    config = {"defaults": changes.pop("defaults", {}), "overrides": changes.pop("overrides", [])}
    return {
        "id": number + 1,
        "type": type_,
        "title": title,
        "description": f"About {title}",
        "gridPos": place,
        "targets": [target] if expr else [],
        "fieldConfig": config,
        "options": {},
    } | changes


def thresholds(**others: Any) -> Json:
    return {"thresholds": {"mode": "absolute", "steps": STEPS}} | others


STATES = [{"type": "value", "options": {"0": {"text": "idle", "color": "blue"}, "1": {"text": "busy"}}}]

PANELS = [
    panel(0, "stat", "Wait", 'max(queue_wait_seconds{queue=~"$queue"})', defaults=thresholds(unit="s")),
    panel(
        1,
        "timeseries",
        "Depth",
        'sum by (queue) (queue_depth{queue=~"$queue"})',
        defaults={"custom": {"stacking": {"mode": "normal"}, "fillOpacity": 30}, "min": 0},
        options={"legend": {"displayMode": "table", "calcs": ["lastNotNull", "mean", "max"]}},
    ),
    panel(
        2,
        "table",
        "Queues",
        "queue_depth",
        transformations=[
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "__name__": True},
                    "renameByName": {"queue": "Queue", "Value": "Depth"},
                },
            }
        ],
        defaults=thresholds(),
        overrides=[
            {
                "matcher": {"id": "byName", "options": "Depth"},
                "properties": [{"id": "custom.cellOptions", "value": {"type": "color-background"}}],
            },
            {
                "matcher": {"id": "byName", "options": "Queue"},
                "properties": [
                    {"id": "links", "value": [{**TO_OTHER, "url": "/d/other?var-queue=${__value.raw}"}]}
                ],
            },
        ],
        options={"sortBy": [{"displayName": "Depth", "desc": True}]},
    ),
    panel(3, "bargauge", "Bars", "queue_depth", legend="{{queue}}", defaults=thresholds(min=0, max=180)),
    panel(4, "heatmap", "Run times", "increase(history_seconds_bucket[$__rate_interval])"),
    panel(5, "state-timeline", "States", "worker_state", legend="{{name}}", defaults={"mappings": STATES}),
    panel(6, "text", "Words", options={"mode": "markdown", "content": "**Bold** <i id='raw'>raw</i> $queue"}),
    panel(
        7,
        "alertlist",
        "Alerts",
        options={"stateFilter": {"firing": True, "pending": True}, "alertName": ""},
    ),
    panel(8, "stat", "Nothing", "no_such_metric", defaults={"noValue": "none yet"}),
    panel(9, "timeseries", "Wrong", "sum("),
    panel(10, "news", "Unknown", "up"),
    panel(11, "timeseries", "No series", "no_such_metric"),
    panel(12, "heatmap", "Jobs", "job_seconds_bucket", exemplar=True),
    panel(13, "timeseries", "Rates", 'queue_wait_seconds{queue="reports"}', defaults={"unit": "s"}),
]

QUEUE_VARIABLE = {
    "name": "queue",
    "label": "Queue",
    "type": "query",
    "query": "label_values(queue_depth, queue)",
    "multi": True,
    "includeAll": True,
    "allValue": ".+",
    "current": {"value": ["$__all"]},
}
DEPENDENT_VARIABLE = QUEUE_VARIABLE | {
    "name": "waiting",
    "label": "Waiting",
    "query": 'label_values(queue_wait_seconds{queue=~"$queue"}, queue)',
}
MENU = {
    "title": "Dashboards",
    "type": "dashboards",
    "tags": ["test"],
    "asDropdown": True,
    "includeVars": True,
    "keepTime": True,
}
FIRING = {
    "name": "Alerts",
    "expr": 'ALERTS{alertstate="firing"}',
    "titleFormat": "{{alertname}}",
    "step": "10s",
}


DEPTH = panel(
    0,
    "timeseries",
    "Depth of $queue",
    'queue_depth{queue=~"$queue"}',
    options={"tooltip": {"mode": "multi", "sort": "desc"}},
)


DURATIONS = 'label_replace(vector(1), "end", "low", "", "") or vector(200)'
AXES = [
    panel(0, "timeseries", "Linear", DURATIONS, defaults={"unit": "s", "min": 0}),
    panel(
        1,
        "timeseries",
        "Logarithmic",
        DURATIONS,
        defaults={"unit": "s", "custom": {"scaleDistribution": {"type": "log", "log": 10}}},
    ),
    panel(2, "timeseries", "Short", "vector(8)", defaults={"unit": "s", "min": 0}),
    panel(3, "timeseries", "No durations", DURATIONS, defaults={"min": 0}),
]
"""High enough for every tick."""


def board(uid: str, title: str, panels: list[Json], **changes: Any) -> Json:
    return {
        "uid": uid,
        "title": title,
        "tags": ["test"],
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "",
        "links": [MENU],
        "templating": {"list": [QUEUE_VARIABLE, DEPENDENT_VARIABLE]},
        "annotations": {"list": [FIRING]},
        "panels": panels,
    } | changes


def write_boards(folder: Path) -> None:
    folder.mkdir()
    slow = "max_over_time(count_over_time(vector(1)[5m:100ms])[2h:100ms])"
    boards = [
        board("all-types", "All types", PANELS),
        board("other", "Other", [DEPTH]),
        board("axes", "Axes", [one | {"gridPos": one["gridPos"] | {"h": 16}} for one in AXES]),
        board("slow", "Slow", [panel(0, "stat", "Slow", slow), panel(1, "stat", "Quick", "vector(42)")]),
    ]
    for one in boards:
        write_board(folder, one)
    (folder / "broken.json").write_text('{"uid": "broken"')


def write_board(folder: Path, one: Json) -> None:
    (folder / f"{one['uid']}.json").write_text(json.dumps(one))

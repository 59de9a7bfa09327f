"""From the JSON of a dashboard file to a Dashboard.

What is wrong with the file as a whole raises; what is wrong with one panel is kept as that panel's problem,
so that the others are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from grafana.preview.dashboard import (
    GRID_COLUMNS,
    Annotation,
    Dashboard,
    DashboardError,
    Grid,
    Json,
    Panel,
    Section,
    Target,
    TargetFormat,
    Variable,
)

FORMATS = ("time_series", "table", "heatmap")


def parse_dashboard(raw: object) -> Dashboard:
    """Read a dashboard of the classic schema.

    Raises:
        DashboardError: it is none; the message names the key and what is expected.
    """
    data = _object(raw, "the file")
    uid = _text(data, "uid")
    if not uid:
        raise DashboardError("uid: expected the dashboard's fixed uid, got nothing")
    time = _object(data.get("time", {}), "time")
    return Dashboard(
        uid=uid,
        title=_text(data, "title") or uid,
        description=_text(data, "description"),
        tags=tuple(str(tag) for tag in _list(data, "tags")),
        sections=_sections(_objects(data, "panels")),
        variables=tuple(
            _variable(v) for v in _objects(_object(data.get("templating", {}), "templating"), "list")
        ),
        annotations=tuple(
            _annotation(a)
            for a in _objects(_object(data.get("annotations", {}), "annotations"), "list")
            if a.get("enable", True) and a.get("expr")
        ),
        links=tuple(_objects(data, "links")),
        refresh=refresh if isinstance(refresh := data.get("refresh"), str) else "",
        time_from=_text(time, "from") or "now-6h",
        time_to=_text(time, "to") or "now",
    )


def _sections(panels: Sequence[Json]) -> tuple[Section, ...]:
    """Cut the list of panels at its row headings; a collapsed row holds its panels itself."""
    sections = [Section(None, False, ())]
    for raw in sorted(panels, key=_position):
        if raw.get("type") == "row":
            inside = tuple(_panel(inner) for inner in _objects(raw, "panels"))
            sections.append(Section(_text(raw, "title"), bool(raw.get("collapsed")), inside))
        else:
            last = sections[-1]
            sections[-1] = Section(last.title, last.collapsed, (*last.panels, _panel(raw)))
    return tuple(section for section in sections if section.panels or section.title)


def _position(raw: Json) -> tuple[int, int]:
    grid = _dict(raw.get("gridPos"))
    return _whole(grid.get("y")), _whole(grid.get("x"))


def _panel(raw: Json) -> Panel:
    try:
        return _read_panel(raw)
    except DashboardError as error:
        return Panel(
            id=_whole(raw.get("id")),
            type=str(raw.get("type", "")),
            title=str(raw.get("title", "")),
            grid=Grid(0, _position(raw)[0], GRID_COLUMNS, 4),
            problem=str(error),
        )


def _read_panel(raw: Json) -> Panel:
    field_config = _dict(raw.get("fieldConfig"))
    return Panel(
        id=_whole(raw.get("id")),
        type=_text(raw, "type"),
        title=_text(raw, "title"),
        description=_text(raw, "description"),
        grid=_grid(raw.get("gridPos")),
        targets=tuple(_target(target) for target in _objects(raw, "targets") if not target.get("hide")),
        options=_options(raw),
        defaults=_dict(field_config.get("defaults")),
        overrides=tuple(_objects(field_config, "overrides")),
        transformations=tuple(_objects(raw, "transformations")),
        links=tuple(_objects(raw, "links")),
        max_data_points=_whole(raw.get("maxDataPoints")) or None,
    )


def _options(raw: Json) -> Json:
    """The page is laid out by the legend's options before the panel is drawn."""
    options = _dict(raw.get("options"))
    _object(options.get("legend") or {}, "options.legend")
    return options


def _grid(raw: object) -> Grid:
    place = _object(raw, "gridPos")
    numbers = [place.get(key) for key in "xywh"]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise DashboardError(f"gridPos: expected whole numbers x, y, w and h, got {place}")
    x, y, width, height = cast(list[int], numbers)
    if width < 1 or height < 1 or x + width > GRID_COLUMNS:
        raise DashboardError(f"gridPos: expected a place within {GRID_COLUMNS} columns, got {place}")
    return Grid(x, y, width, height)


def _target(raw: Json) -> Target:
    expr = _text(raw, "expr")
    if not expr:
        raise DashboardError(f"target {raw.get('refId', '?')}: expected PromQL in expr, got nothing")
    target_format = raw.get("format", "time_series")
    if target_format not in FORMATS:
        raise DashboardError(f"target format: expected {', '.join(FORMATS)}, got {target_format!r}")
    return Target(
        ref_id=_text(raw, "refId") or "A",
        expr=expr,
        instant=bool(raw.get("instant")) and not raw.get("range"),
        format=cast(TargetFormat, target_format),
        legend=_text(raw, "legendFormat"),
        interval=_text(raw, "interval"),
        exemplars=bool(raw.get("exemplar")),
    )


def _variable(raw: Json) -> Variable:
    current = _dict(raw.get("current")).get("value", [])
    query = raw.get("query", "")
    return Variable(
        name=_text(raw, "name"),
        type=_text(raw, "type"),
        label=_text(raw, "label") or _text(raw, "name"),
        query=_text(query, "query") if isinstance(query, dict) else str(query),
        multi=bool(raw.get("multi")),
        include_all=bool(raw.get("includeAll")),
        all_value=_text(raw, "allValue") or None,
        hide=raw.get("hide") == 2,
        current=tuple(map(str, current)) if isinstance(current, list) else (str(current),),
        options=tuple(str(option.get("value")) for option in _dicts(raw.get("options"))),
        regex=_text(raw, "regex"),
    )


def _annotation(raw: Json) -> Annotation:
    return Annotation(
        name=_text(raw, "name"),
        expr=_text(raw, "expr"),
        color=_text(raw, "iconColor") or "red",
        title=_text(raw, "titleFormat"),
        text=_text(raw, "textFormat"),
        step=_text(raw, "step"),
    )


def _text(data: Json, key: str) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DashboardError(f"{key}: expected a text, got {value!r}")
    return value


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise DashboardError(f"{name}: expected an object, got {type(value).__name__}")
    return value


def _list(data: Json, key: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise DashboardError(f"{key}: expected a list, got {type(value).__name__}")
    return value


def _objects(data: Json, key: str) -> list[Json]:
    return [_object(item, f"{key}[{index}]") for index, item in enumerate(_list(data, key))]


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

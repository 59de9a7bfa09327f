"""Transformations between the queries and the drawing: the ones that the dashboards use."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from grafana.preview.dashboard import Json
from grafana.preview.frames import Field, Frame, Value

Transformation = Callable[[list[Frame], Json], list[Frame]]


class UnknownTransformationError(ValueError):
    """A panel transforms its data in a way that the preview does not have."""


def transform(frames: Sequence[Frame], transformations: Sequence[Json]) -> list[Frame]:
    """Apply a panel's transformations in order.

    Raises:
        UnknownTransformationError: one of them is unknown here; the message names it.
    """
    result = list(frames)
    for item in transformations:
        if item.get("disabled"):
            continue
        if item.get("id") not in TRANSFORMATIONS:
            raise UnknownTransformationError(
                f"the preview has no transformation {item.get('id')!r}; it has {', '.join(TRANSFORMATIONS)}"
            )
        result = TRANSFORMATIONS[item["id"]](result, item.get("options") or {})
    return result


def merge(frames: list[Frame], _options: Json) -> list[Frame]:
    """Make one table of several: rows that agree in all fields that the tables share become one row.

    Tables without any column in common stay apart, as in Grafana.
    """
    tables = [frame for frame in frames if frame.fields]
    if len(tables) <= 1:
        return frames
    columns: dict[str, Field] = {}
    for frame in tables:
        for column in frame.fields:
            columns.setdefault(column.name, column)
    shared = [name for name in columns if all(any(f.name == name for f in t.fields) for t in tables)]
    if not shared:
        return frames
    rows: list[dict[str, Value]] = []
    by_key: dict[tuple[Value, ...], list[dict[str, Value]]] = {}
    for frame in tables:
        for values in frame.rows():
            row = dict(zip((column.name for column in frame.fields), values, strict=True))
            same = by_key.setdefault(tuple(row[name] for name in shared), [])
            known = [other for other in same if _agree(other, row)]
            for other in known:
                other.update(row)
            if not known:
                same.append(row)
                rows.append(row)
    fields = tuple(
        replace(column, values=[row.get(name) for row in rows], labels={}) for name, column in columns.items()
    )
    return [Frame(fields, ref_id="merge")]


def _agree(one: dict[str, Value], other: dict[str, Value]) -> bool:
    return all(one.get(name) is None or one[name] == value for name, value in other.items())


def organize(frames: list[Frame], options: Json) -> list[Frame]:
    """Leave out, order and rename fields by name."""
    excluded = {name for name, out in (options.get("excludeByName") or {}).items() if out}
    included = {name for name, shown in (options.get("includeByName") or {}).items() if shown}
    order = options.get("indexByName") or {}
    names = options.get("renameByName") or {}
    result = []
    for frame in frames:
        kept = [
            field
            for field in frame.fields
            if field.display_name not in excluded and (not included or field.display_name in included)
        ]
        kept.sort(key=lambda field: order.get(field.display_name, len(order)))
        fields = tuple(_rename(field, names.get(field.display_name)) for field in kept)
        result.append(replace(frame, fields=fields))
    return result


def _rename(field: Field, name: str | None) -> Field:
    return replace(field, name=name, source_name=None) if name else field


def join_by_field(frames: list[Frame], options: Json) -> list[Frame]:
    """Join tables on one field: every value of it gives a row (outer), or those in all tables (inner)."""
    name = options.get("byField")
    tables = [frame for frame in frames if any(field.display_name == name for field in frame.fields)]
    if not tables:
        return frames
    keys = [next(f for f in frame.fields if f.display_name == name) for frame in tables]
    order = dict.fromkeys(value for key in keys for value in key.values)
    if options.get("mode") == "inner":
        order = {value: None for value in order if all(value in key.values for key in keys)}
    fields = [replace(keys[0], values=list(order))]
    for frame, key in zip(tables, keys, strict=True):
        row_of = {value: index for index, value in enumerate(key.values)}
        for field in frame.fields:
            if field is not key:
                values = [field.values[row_of[v]] if v in row_of else None for v in order]
                fields.append(replace(field, values=values))
    return [Frame(tuple(fields), ref_id="joinByField")]


def rename_by_regex(frames: list[Frame], options: Json) -> list[Frame]:
    """Rename the fields that a regular expression matches; one without slashes matches whole names."""
    written = str(options.get("regex") or "(.*)")
    delimited = re.fullmatch(r"/(.*)/[gimy]*", written, re.DOTALL)
    pattern = re.compile(delimited[1] if delimited else f"^{written}$")
    # JavaScript refers to groups by $1.
    name = re.sub(r"\$(\d)", r"\\\1", str(options.get("renamePattern") or "").replace("\\", r"\\"))
    return [
        replace(frame, fields=tuple(_rename_matching(field, pattern, name) for field in frame.fields))
        for frame in frames
    ]


def _rename_matching(field: Field, pattern: re.Pattern[str], name: str) -> Field:
    renamed = pattern.sub(name, field.display_name, count=1)
    return field if renamed == field.display_name else replace(field, source_name=renamed)


TRANSFORMATIONS: dict[str, Transformation] = {
    "merge": merge,
    "organize": organize,
    "joinByField": join_by_field,
    "renameByRegex": rename_by_regex,
}

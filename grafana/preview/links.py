"""Links: of values and points (data links), of panels and of dashboards. Only what is safe to click."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from grafana.preview.dashboard import Json
from grafana.preview.datasource import Destination
from grafana.preview.frames import Field, Frame, Value
from grafana.preview.interpolation import format_choice, interpolate
from grafana.preview.numbers import to_string
from grafana.preview.view import View

_VALUE = re.compile(r"\$\{__value(?:\.\w+)?\}")
_DATA_FIELD = re.compile(r"fields(?:\.(\w+)|\[\"([^\"]+)\"\]|\['([^']+)'\]|\[(\d+)\])")


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click: words and a safe address."""

    title: str
    href: str
    new_tab: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What a data link may speak of: one value, and the rest of its row."""

    frame: Frame
    field: Field
    index: int | None = None
    text: str = ""

    @property
    def value(self) -> Value:
        """The value itself, None for a whole series."""
        return None if self.index is None else self.field.values[self.index]


def is_safe(href: str) -> bool:
    """Tell whether an address is a page: a path on this server, or http(s). Never `javascript:`."""
    if href.startswith(("/", "?", "#")):
        return not href.startswith(("//", "/\\"))
    return urlsplit(href).scheme in ("http", "https")


def make_links(raw: Iterable[Json], view: View, row: Row | None = None) -> list[Link]:
    """Return the links of a panel or, with `row`, of a value; unsafe ones are left out."""
    made = []
    for item in raw:
        href = _fill(str(item.get("url", "")), view, row, encode=True).strip()
        title = _fill(str(item.get("title") or "Link"), view, row, encode=False)
        if href and is_safe(href):
            made.append(Link(title, href, new_tab=bool(item.get("targetBlank")) or not href.startswith("/")))
    return made


def _fill(template: str, view: View, row: Row | None, *, encode: bool) -> str:
    def encoded(text: str, format_: str) -> str:
        return quote(text, safe="") if encode and format_ not in ("raw", "queryparam") else text

    def lookup(name: str, path: str, format_: str) -> str | None:
        if name == "__url_time_range":
            return view.url_time_range
        if name == "__all_variables":
            return view.url_variables
        if row is not None and name.startswith("__"):
            found = _of_row(row, name, path)
            return None if found is None else encoded(found, format_)
        choice = view.choices.get(name)
        if choice is None:
            return None
        text = format_choice(name, choice, format_ or "text" if not encode else format_ or "glob")
        return encoded(text, format_ or "glob") if format_ not in ("percentencode", "uriencode") else text

    return interpolate(template, lookup)


def _of_row(row: Row, name: str, path: str) -> str | None:
    match name:
        case "__data":
            return _text(_data_field(row, path))
        case "__value":
            return row.text if path == "text" else _text(row.value)
        case "__field" | "__series":
            if path.startswith("labels."):
                return row.field.labels.get(path.removeprefix("labels.").strip('"'), "")
            return row.field.display_name
        case _:
            return None


def _data_field(row: Row, path: str) -> Value:
    match = _DATA_FIELD.match(path)
    if match is None or row.index is None:
        return None
    wanted = match[1] or match[2] or match[3]
    if match[4] is not None:
        position = int(match[4])
        return row.frame.fields[position].values[row.index] if position < len(row.frame.fields) else None
    for field in row.frame.fields:
        if wanted in (field.display_name, field.name):
            value: Value = field.values[row.index]
            return value
    return None


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_string(value)


def exemplar_links(labels: Mapping[str, str], destinations: Sequence[Destination]) -> list[Link]:
    """Return the links of an exemplar, by the labels that the data source knows a page for."""
    links = [
        Link(destination.title, _VALUE.sub(quote(labels[destination.label], safe=""), destination.url), True)
        for destination in destinations
        if destination.label in labels
    ]
    return [link for link in links if is_safe(link.href)]


def dashboard_query(view: View, link: Mapping[str, Any]) -> str:
    """Return the query string that a dashboard link carries: variables and time range as it says."""
    parts = []
    if link.get("includeVars"):
        parts.append(view.url_variables)
    if link.get("keepTime"):
        parts.append(view.url_time_range)
    query = "&".join(part for part in parts if part)
    return f"?{query}" if query else ""

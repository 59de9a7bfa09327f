"""The table: one row for each combination of labels, one column a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.layer.fields import Json, Link, override, thresholds
from grafana.layer.panel import PLAIN, Panel
from grafana.layer.query import Query, targets

LINK_COLOUR = "blue"
"""That of Grafana's themes which comes closest to its links."""
NARROWEST_WORDS = 70
"""Pixels of a column of words."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: the query's value in each row."""

    header: str
    query: Query
    unit: str = "short"
    decimals: int | None = None
    colours: Sequence[tuple[float, str]] = ()
    """Colours of the cell by value; below the first, and where there is no value, it is plain."""
    mappings: Sequence[Json] = ()
    """Words for values, in the colours that they name."""
    links: Sequence[Link] = ()
    width: int | None = None

    def override(self) -> Json:
        """What Grafana is told about this column alone."""
        properties: dict[str, Any] = {"unit": self.unit, "decimals": self.decimals, "noValue": "-"}
        if self.colours and self.links:
            # On a coloured background Grafana writes links in white.
            steps = [(value, LINK_COLOUR if one == "transparent" else one) for value, one in self.colours]
            properties["thresholds"] = thresholds(LINK_COLOUR, *steps)
            properties["custom.cellOptions"] = {"type": "color-text"}
        elif self.colours:
            # Grafana takes no value for minus infinity.
            properties["thresholds"] = thresholds("transparent", *self.colours)
            properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
        elif self.mappings:
            properties["custom.cellOptions"] = {"type": "color-text"}
        if self.mappings:
            properties["mappings"] = list(self.mappings)
        if self.links:
            properties["links"] = [link.json() for link in self.links]
        properties |= _widths(self.header, self.width)
        return override(self.header, {id_: value for id_, value in properties.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Label:
    """A column of words: a label that the queries have in their results."""

    name: str
    header: str
    links: Sequence[Link] = ()
    width: int | None = None

    def override(self) -> Json:
        """What Grafana is told about this column alone."""
        properties: dict[str, Any] = {}
        if self.links:
            properties["links"] = [link.json() for link in self.links]
        properties |= _widths(self.header, self.width, at_least=NARROWEST_WORDS)
        return override(self.header, properties)


def table(
    title: str,
    description: str,
    labels: Sequence[Label],
    columns: Sequence[Column],
    *,
    sort_by: str,
    descending: bool = True,
    hide: Sequence[str] = (),
    no_value: str | None = None,
    links: Sequence[Link] = (),
) -> Panel:
    """One row for each combination of `labels` that any column's query returns, now.

    Args:
        title: the question, in a few words.
        description: what exactly is shown, and what to do about it.
        labels: the first columns. A label may be missing from some of the queries, if the others tell the
            rows apart.
        columns: the columns of numbers.
        sort_by: the header of the column to sort by at first.
        descending: largest first.
        hide: labels of the results that are not shown.
        no_value: what to say in place of "No data".
        links: links of the panel.
    """
    # Grafana names the value after its target when there is more than one.
    values = [f"Value #{chr(ord('A') + i)}" for i in range(len(columns))] if len(columns) > 1 else ["Value"]
    headers = {label.name: label.header for label in labels} | {
        value: column.header for value, column in zip(values, columns, strict=True)
    }
    merge: list[Json] = [{"id": "merge", "options": {}}] if len(columns) > 1 else []
    return Panel(
        type="table",
        title=title,
        description=description,
        targets=targets([column.query for column in columns], "table", instant=True),
        links=links,
        transformations=[*merge, _organize(headers, hide)],
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": sort_by, "desc": descending}],
        },
        defaults={
            "color": {"mode": "thresholds"},
            "thresholds": PLAIN,
            "noValue": no_value,
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "inspect": False,
                "filterable": False,
            },
        },
        overrides=[*(label.override() for label in labels), *(column.override() for column in columns)],
    )


def _widths(header: str, width: int | None, at_least: int = 0) -> Json:
    """A fixed width, or one that holds the header and the arrow of sorting; by itself, Grafana takes 150."""
    if width is not None:
        return {"custom.width": width}
    return {"custom.minWidth": max(at_least, 7 * len(header) + 16)}


def _organize(headers: Mapping[str, str], hide: Sequence[str]) -> Json:
    """Columns in the order of `headers`, under those names; the time of the query is left out."""
    return {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(("Time", *hide), True),
            "indexByName": {name: index for index, name in enumerate(headers)},
            "renameByName": dict(headers),
        },
    }

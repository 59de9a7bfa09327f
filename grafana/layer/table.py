"""Grafana's table: one row for each combination of labels, one column for each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.layer.fields import COUNT, Json, Link, mapped_words, override, thresholds
from grafana.layer.panel import PLAIN, Panel
from grafana.layer.query import Query, targets

LINK_COLOUR = "blue"
"""The colour of Grafana's themes that is closest to its links."""
NARROWEST_WORDS = 70
"""Pixels of a column with text."""
DAY_AND_TIME = "time:MMM D HH:mm"
"""A unit: a moment within days from now."""
WIDEST_VALUES = {"s": 90, "dateTimeFromNow": 142, DAY_AND_TIME: 105}
"""Pixels of the longest value in a unit: "23.45 mins", "a few seconds ago", "Nov 29 03:40"."""
WIDEST_NUMBER = 75
"""Pixels of the longest value in any other unit: "1234567"."""
CELL_PADDING, SORT_ARROW = 14, 22


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: the query's value in each row."""

    header: str
    query: Query
    unit: str = COUNT
    decimals: int | None = None
    colours: Sequence[tuple[float, str]] = ()
    """Colours of the cell by value. Below the first step, and without a value, it is plain."""
    mappings: Sequence[Json] = ()
    """Words for values, with colours."""
    links: Sequence[Link] = ()

    def override(self, *, sorted_: bool) -> Json:
        """The field override of this column.

        It sets a fixed width. Grafana shares a table's width equally between columns without one, so names
        would be cut although numbers had room to spare.
        """
        properties: dict[str, Any] = {"unit": self.unit, "decimals": self.decimals, "noValue": "-"}
        if self.colours and self.links:
            # On a coloured background Grafana writes links in white.
            steps = [(value, LINK_COLOUR if one == "transparent" else one) for value, one in self.colours]
            properties["thresholds"] = thresholds(LINK_COLOUR, *steps)
            properties["custom.cellOptions"] = {"type": "color-text"}
        elif self.colours:
            # Grafana treats a missing value as minus infinity.
            properties["thresholds"] = thresholds("transparent", *self.colours)
            properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
        elif self.mappings:
            properties["custom.cellOptions"] = {"type": "color-text"}
        if self.mappings:
            properties["mappings"] = list(self.mappings)
        if self.links:
            properties["links"] = [link.json() for link in self.links]
        properties["custom.width"] = max(_header_width(self.header, sorted_), self._value_width())
        return override(self.header, {id_: value for id_, value in properties.items() if value is not None})

    def _value_width(self) -> int:
        words = [text for mapping in self.mappings for text in mapped_words(mapping)]
        longest = max((len(text) for text in words), default=0)
        return max(WIDEST_VALUES.get(self.unit, WIDEST_NUMBER), 8 * longest + CELL_PADDING)


@dataclass(frozen=True, slots=True)
class Label:
    """A column of text: a label in the results of the queries."""

    name: str
    header: str
    links: Sequence[Link] = ()
    width: int | None = None

    def override(self, *, sorted_: bool) -> Json:
        """The field override of this column.

        Without a width of its own, it takes its share of the room that the numbers leave. If a name does not
        fit, Grafana shows all of it under the pointer.
        """
        properties: dict[str, Any] = {"noValue": "-"}
        if self.links:
            properties["links"] = [link.json() for link in self.links]
        if self.width is not None:
            properties["custom.width"] = self.width
        else:
            properties["custom.minWidth"] = max(NARROWEST_WORDS, _header_width(self.header, sorted_))
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
    """One row for each combination of `labels` that any column's query returns at present.

    Args:
        title: the question, in a few words.
        description: what exactly is shown, and what to do about it.
        labels: the first columns. Some queries may lack a label, if the others identify the row.
        columns: the columns of numbers.
        sort_by: the header of the column that sorts at first.
        descending: largest first.
        hide: labels of the results that are not shown.
        no_value: text instead of "No data".
        links: links of the panel.
    """
    # With more than one target, Grafana names each value after its target.
    values = [f"Value #{chr(ord('A') + i)}" for i in range(len(columns))] if len(columns) > 1 else ["Value"]
    headers = {label.name: label.header for label in labels} | {
        value: column.header for value, column in zip(values, columns, strict=True)
    }
    all_columns: list[Label | Column] = [*labels, *columns]
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
        overrides=[one.override(sorted_=one.header == sort_by) for one in all_columns],
    )


def _header_width(header: str, sorted_: bool) -> int:
    return 8 * len(header) + 4 + CELL_PADDING + (SORT_ARROW if sorted_ else 0)


def _organize(headers: Mapping[str, str], hide: Sequence[str]) -> Json:
    """Columns in the order of `headers`, under those names, without the time of the query."""
    return {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(("Time", *hide), True),
            "indexByName": {name: index for index, name in enumerate(headers)},
            "renameByName": dict(headers),
        },
    }

"""Panels in rows, so that a dashboard's module reads like its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grafanalib import core as grafanalib

from grafana.layer.panel import Panel

COLUMNS = 24
"""Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side."""

    height: int
    """In grid units of 38 pixels."""
    panels: Sequence[Panel]
    widths: Sequence[int] | None = None
    """In columns of 24; equal by default."""

    def column_widths(self) -> Sequence[int]:
        """The width of each panel.

        Raises:
            ValueError: the widths do not fill the row, or it cannot be divided evenly.
        """
        count = len(self.panels)
        if self.widths is None and COLUMNS % count:
            raise ValueError(f"{count} panels cannot share {COLUMNS} columns evenly: give their widths")
        widths = self.widths or [COLUMNS // count] * count
        if len(widths) != count or sum(widths) != COLUMNS:
            raise ValueError(f"the widths {list(widths)} of {count} panels must add up to {COLUMNS}")
        return widths


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading above the rows that it names."""

    title: str


def row(height: int, *panels: Panel, widths: Sequence[int] | None = None) -> Row:
    """Panels side by side, with the same height."""
    return Row(height, panels, widths)


def place(rows: Sequence[Row | Heading]) -> list[Panel | grafanalib.RowPanel]:
    """The panels of all rows from top to bottom, with position and number."""
    placed: list[Panel | grafanalib.RowPanel] = []
    y = 0
    for item in rows:
        number = len(placed) + 1
        if isinstance(item, Heading):
            line = grafanalib.GridPos(h=1, w=COLUMNS, x=0, y=y)
            placed.append(grafanalib.RowPanel(id=number, title=item.title, gridPos=line))
            y += 1
        else:
            placed += _place_row(item, y, number)
            y += item.height
    return placed


def _place_row(row_: Row, y: int, first_number: int) -> list[Panel]:
    placed: list[Panel] = []
    x = 0
    for panel, width in zip(row_.panels, row_.column_widths(), strict=True):
        position = grafanalib.GridPos(h=row_.height, w=width, x=x, y=y)
        placed.append(replace(panel, id=first_number + len(placed), position=position))
        x += width
    return placed

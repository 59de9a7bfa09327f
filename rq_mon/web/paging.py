"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rq_mon.web.links import asked

T = TypeVar("T")

ROWS = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list."""

    rows: Sequence[T]
    number: int
    """From 1."""
    total: int
    """Number of rows on all pages."""

    @property
    def first(self) -> int:
        """Number of the first row, from 1."""
        return (self.number - 1) * ROWS + 1

    @property
    def last(self) -> int:
        """Number of the last row."""
        return self.first + len(self.rows) - 1

    @property
    def pages(self) -> int:
        """Number of pages."""
        return max(1, -(-self.total // ROWS))


def page_number() -> int:
    """Return the requested page number; 1 if it is not a number."""
    text = asked("page")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def page_of(rows: Sequence[T]) -> Page[T]:
    """Return the requested page of a list; the last one if it has fewer."""
    last = max(1, -(-len(rows) // ROWS))
    number = min(page_number(), last)
    return Page(rows[(number - 1) * ROWS : number * ROWS], number, len(rows))

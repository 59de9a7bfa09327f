"""Text tables that fit a terminal. A library for it would double the start time of a command."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = "  "


def table_lines(headings: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> list[str]:
    """Return the lines of a table: headings, then rows; numbers aligned right, long text wrapped.

    Args:
        headings: of the columns.
        rows: at least one; each cell is a number, None for an empty one, or text that is safe to print.
        width: of the terminal, in characters. The widest columns shrink first.
    """
    texts = [headings, *([_text(cell) for cell in row] for row in rows)]
    is_number = [all(isinstance(cell, int | float) for cell in column) for column in zip(*rows, strict=True)]
    widths = _fitted([max(map(width_of, column)) for column in zip(*texts, strict=True)], width)
    return [
        f" {GAP.join(map(_padded, parts, widths, is_number))}".rstrip()
        for row in texts
        for parts in zip_longest(*map(folded, row, widths), fillvalue="")
    ]


def folded(text: str, width: int) -> list[str]:
    """Split text into parts of at most this width, between words where possible."""
    parts = []
    while width_of(text) > width and len(text) > 1:
        end = max(1, _fitting(text, width))
        after_word = text.rfind(" ", 0, end + 1) + 1
        end = after_word if text[:after_word].strip() else end
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*parts, text]


def width_of(text: str) -> int:
    """Return the width of text in terminal columns: two for a Chinese character, none for an accent."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitting(text: str, width: int) -> int:
    """Return how many characters from the start fit into this width."""
    return next((end for end, reached in enumerate(_ends(text)) if reached > width), len(text))


def _ends(text: str) -> Iterator[int]:
    reached = 0
    for character in text:
        reached += _width(character)
        yield reached


def _fitted(widths: Sequence[int], width: int) -> list[int]:
    """Return the widths of the columns so that all fit; each keeps one character."""
    left = width - 1 - len(GAP) * (len(widths) - 1)
    limits = range(max(widths), 0, -1)
    limit = next((each for each in limits if sum(min(own, each) for own in widths) <= left), 1)
    return [min(own, limit) for own in widths]


def _text(cell: object) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else str(cell)


def _padded(text: str, width: int, is_number: bool) -> str:
    space = " " * (width - width_of(text))
    return space + text if is_number else text + space

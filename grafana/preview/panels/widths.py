"""Widths of a table's columns: as the texts need, shrunk fairly where the panel is too narrow for all."""

from __future__ import annotations

from collections.abc import Sequence

PIXELS_PER_CHARACTER = 6.4
PADDING = 14
LEAST = 70
"""Pixels below which a column says nothing: then the table scrolls."""


def natural_width(texts: Sequence[str]) -> float:
    """Return the pixels that the longest of a column's texts takes."""
    return max((len(text) for text in texts), default=0) * PIXELS_PER_CHARACTER + PADDING


def fit(natural: Sequence[float], available: float) -> list[float]:
    """Return the widths that fill `available` at most: the widest columns give way, all to the same width."""
    widths = list(natural)
    if sum(widths) <= available:
        return widths
    cap = max(_common_cap(sorted(widths), available), LEAST)
    return [min(width, cap) for width in widths]


def _common_cap(ascending: Sequence[float], available: float) -> float:
    """Return the width to which the widest must shrink, so that all together fit."""
    left = available
    for index, width in enumerate(ascending):
        share = left / (len(ascending) - index)
        if width >= share:
            return share
        left -= width
    return ascending[-1]

"""Figures with verdicts: as a table in the terminal, and as a page of docs/proofs."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from docs.reference.markdown import table as markdown_table

Verdict = Literal["met", "missed", "shown"]
WIDTH_OF_A_FILE = 160
OUTSIDE = 0.05
"""The chance at most that a true median lies outside its interval."""
STYLES = {"met": "", "missed": "bold red", "shown": "dim"}
HEADINGS = ("what", "result", "more", "expected", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as it is printed."""

    name: str
    """What was measured, and on what."""
    figure: str
    spread: str = ""
    """Remarks, such as the lowest and the highest run."""
    target: str = ""
    verdict: Verdict = "shown"
    """`shown` if it has no target."""

    def cells(self) -> tuple[str, ...]:
        """Return the text of each column."""
        return self.name, self.figure, self.spread, self.target, self.verdict


def verdict(met: bool) -> Verdict:
    """Return the verdict of a Row on its target."""
    return "met" if met else "missed"


def ratio_row(
    name: str, ratios: Sequence[float], *, at_least: float = 0.0, at_most: float = 0.0, bound: float = 0.0
) -> Row:
    """Compare the median of ratios of interleaved runs with a lower or an upper target.

    Args:
        name: what was measured.
        ratios: one of each pair of runs.
        at_least: what the median should reach.
        at_most: or what it should not exceed.
        bound: what the lower end of the median's interval should reach too, if that counts.
    """
    median = statistics.median(ratios)
    target = f"≥ {at_least:g}" if at_least else f"≤ {at_most:g}"
    met = median >= at_least if at_least else median <= at_most
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    if bound:
        lower, upper = interval_of_median(ratios)
        target, met = f"{target}, from {bound:g}", met and lower >= bound
        spread = f"95 %: {lower:.3f} to {upper:.3f}"
    return Row(name, f"{median:.3f}", f"{spread}, {len(ratios)} pairs", target, verdict(met))


def interval_of_median(values: Sequence[float]) -> tuple[float, float]:
    """Return the two of at least six values that enclose the true median with a certainty of at least 95 %.

    Each value is below the true median with a chance of one half. So the number below it has a binomial
    distribution, whatever the distribution of the values.
    """
    ordered, runs = sorted(values), len(values)
    chances = accumulate(math.comb(runs, below) / 2**runs for below in range(runs))
    place = sum(1 for chance in chances if chance <= OUTSIDE / 2) - 1
    if place < 0:
        raise ValueError(f"expected at least 6 values, got {runs}")
    return ordered[place], ordered[-1 - place]


def show(rows: Iterable[Row]) -> None:
    """Print figures as one table."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    print_table(console, HEADINGS, ((STYLES[row.verdict], row.cells()) for row in rows))


def print_table(
    console: Console, headings: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], title: str = ""
) -> None:
    """Print a table; each row comes with its style."""
    table = Table(*headings, title=title or None)
    for style, cells in rows:
        table.add_row(*(escape(cell) for cell in cells), style=style)
    console.print(table)


def write_page(page: Path, template: Path, **facts: object) -> None:
    """Write a page of docs/proofs from its template."""
    text = template.read_text(encoding="utf-8").format(**facts)
    page.write_text(text.rstrip() + "\n", encoding="utf-8")


def markdown(rows: Iterable[Row]) -> str:
    """Return figures as a Markdown table."""
    return markdown_table(HEADINGS, (row.cells() for row in rows))

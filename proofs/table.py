"""Figures with verdicts: as a table in the terminal, and as a page of docs/proofs."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from docs.reference.markdown import table as markdown_table

Verdict = Literal["met", "missed", "shown"]
WIDTH_OF_A_FILE = 160
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


def ratio_row(name: str, ratios: Sequence[float], *, at_least: float = 0.0, at_most: float = 0.0) -> Row:
    """Compare the median of ratios of interleaved runs with a lower or an upper target."""
    median = statistics.median(ratios)
    target = f"≥ {at_least:g}" if at_least else f"≤ {at_most:g}"
    met = median >= at_least if at_least else median <= at_most
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} pairs"
    return Row(name, f"{median:.3f}", spread, target, verdict(met))


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

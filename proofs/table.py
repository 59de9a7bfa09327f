"""One row for each figure, and the table that shows them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

Verdict = Literal["met", "missed", "shown"]
WIDTH_OF_A_FILE = 160
STYLES = {"met": "green", "missed": "bold red", "shown": "dim"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, as it is printed."""

    name: str
    """What was measured, and on what."""
    figure: str
    spread: str = ""
    """Lowest and highest of the runs, and how many there were."""
    target: str = ""
    verdict: Verdict = "shown"
    """`shown` where no target was set."""


def verdict(met: bool) -> Verdict:
    """Whether the target was met, as a Row says it."""
    return "met" if met else "missed"


def ratio_row(name: str, ratios: Sequence[float], *, at_least: float = 0.0, at_most: float = 0.0) -> Row:
    """The median of ratios of interleaved runs, against a lower or an upper target."""
    median = statistics.median(ratios)
    target = f"≥ {at_least:g}" if at_least else f"≤ {at_most:g}"
    met = median >= at_least if at_least else median <= at_most
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} pairs"
    return Row(name, f"{median:.3f}", spread, target, verdict(met))


def show(rows: Iterable[Row]) -> None:
    """Print the rows as one table."""
    table = Table("figure", "result", "spread", "target", "verdict")
    for row in rows:
        table.add_row(row.name, row.figure, row.spread, row.target, f"[{STYLES[row.verdict]}]{row.verdict}")
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE).print(table)

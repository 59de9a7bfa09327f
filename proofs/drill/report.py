"""The drill's results as a table, in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from docs.reference.markdown import table
from proofs.drill.result import Observation, Result
from proofs.drill.scale import FACTOR
from proofs.drill.true_times import TrueTimes
from proofs.table import print_table

HEADINGS = (
    "fault",
    "expected alert",
    "arrived",
    "at true durations, at most",
    "resolved",
    "also arrived",
    "verdict",
)
ONLY_SHOWN = ", on the dashboards only"
Row = tuple[str, ...]


def verdict(result: Result) -> str:
    """Return what went wrong, or that it passed."""
    return "; ".join(_problems(result)) or "passed"


def rows(result: Result, times: TrueTimes) -> list[Row]:
    """Return one row for each expected alert of a fault, or one row if it expects none."""
    also = ", ".join(result.consequences) or "-"
    if not result.observations:
        return [(result.what, "none", "-", "-", "-", also, verdict(result))]
    found = [_cells(each, times) for each in result.observations]
    return [
        (result.what if first else "", *cells, also if first else "", verdict(result) if first else "")
        for first, cells in zip([True, *[False] * len(found)], found, strict=False)
    ]


def _cells(observation: Observation, times: TrueTimes) -> Row:
    return (
        str(observation.expected),
        _seconds(observation.detected) + (ONLY_SHOWN if observation.expected.only_shown else ""),
        _seconds(times.of(observation)),
        _seconds(observation.resolved),
    )


def _problems(result: Result) -> Iterator[str]:
    if result.problem:
        yield result.problem
    yield from (f"{each.expected.alert} {each.problem}" for each in result.observations if each.problem)
    if result.false_alarms:
        yield f"false alarms: {', '.join(result.false_alarms)}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "never"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def show(console: Console, results: Sequence[Result], times: TrueTimes) -> None:
    styled = (
        ("" if result.passed else "bold red", cells) for result in results for cells in rows(result, times)
    )
    print_table(console, HEADINGS, styled, f"Drill, with every wait divided by {FACTOR}")


def markdown(results: Sequence[Result], times: TrueTimes) -> str:
    return table(HEADINGS, (cells for result in results for cells in rows(result, times)))

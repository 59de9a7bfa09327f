"""Tables and JSON on stdout; all that is said beside them goes to stderr.

Names and texts come from Redis, where any program may have written anything: nothing of it reaches a terminal
as a control character.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol

import click

from rq_mon.cli.table import table_lines
from rq_mon.logs import printable

WIDTH_WITHOUT_TERMINAL = 5000
"""A row stays one line: it may be searched for."""
LONGEST_NAME = 200

Color = Literal["red", "yellow", "green"]

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")


class Advance(Protocol):
    """Tells a progress bar how many more are done."""

    def __call__(self, steps: int) -> None:
        """This many more are done."""


def shown(text: str) -> str:
    r"""Return text as one line that is safe to print: what is no printable character becomes its escape."""
    if len(text) > LONGEST_NAME:
        text = f"{text[:LONGEST_NAME]}…"
    return printable(text)


def shown_lines(text: str) -> str:
    """Return text of several lines as `shown` does, at any length."""
    return "\n".join(printable(line.expandtabs()) for line in text.splitlines())


def print_json(value: object) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2), flush=True)


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, numbers to the right; or, below the title, that there is nothing."""
    print_line(title, bold=True)
    cells = [[_safe(cell) for cell in row] for row in rows]
    if not cells:
        print_line("  none")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    heading, *lines = table_lines(headings, cells, width)
    click.secho(heading, dim=True)
    click.echo("\n".join(lines))


def clear_screen() -> None:
    """Begin a page again, on a terminal."""
    click.clear()


def print_line(text: str, *, bold: bool = False, color: Color | None = None) -> None:
    """Print one line of a command's result; on a terminal in this style."""
    if bold or color:
        text = click.style(text, bold=bold or None, fg=None if os.environ.get("NO_COLOR") else color)
    click.echo(text)


def say(text: str) -> None:
    """Tell the user something that is no result."""
    click.echo(text, err=True)


def ask(question: str) -> bool:
    """Ask on the terminal; the caller has made sure that there is one."""
    say(question)
    return click.confirm("Continue?", err=True)


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    with click.progressbar(length=total, label=what, file=sys.stderr) as bar:
        yield lambda steps: bar.update(steps)


def counted(count: int, singular: str) -> str:
    """Return `1 job`, `2,000 jobs`."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _safe(cell: object) -> object:
    return cell if cell is None or isinstance(cell, int | float) else shown(str(cell))

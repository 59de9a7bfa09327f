"""Results on stdout as tables or JSON; notes and questions on stderr.

Names and texts come from Redis, where any program may have written anything. None of it may reach a terminal
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
"""Without a terminal, a row is one line, so that grep finds it."""
LONGEST_NAME = 200

Color = Literal["red", "yellow", "green"]

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class Advance(Protocol):
    """Moves a progress bar on."""

    def __call__(self, steps: int) -> None:
        """Add this many finished steps."""


def shown(text: str) -> str:
    r"""Return text as one line that is safe to print: non-printable characters become escapes."""
    if len(text) > LONGEST_NAME:
        text = f"{text[:LONGEST_NAME]}…"
    return printable(text)


def shown_lines(text: str) -> str:
    """Return text of several lines that is safe to print, at any length."""
    return "\n".join(printable(line.expandtabs()) for line in text.splitlines())


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2), flush=True)


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print title and table, numbers aligned right; "none" if there are no rows."""
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
    """Clear the terminal."""
    click.clear()


def print_line(text: str, *, bold: bool = False, color: Color | None = None) -> None:
    """Print one line of a command's result, styled on a terminal."""
    if bold or color:
        text = click.style(text, bold=bold or None, fg=None if os.environ.get("NO_COLOR") else color)
    click.echo(text)


def say(text: str) -> None:
    """Print a note, which is not part of the result, on stderr."""
    click.echo(text, err=True)


def ask(question: str) -> bool:
    """Ask yes or no on the terminal. The caller checks that there is one."""
    say(question)
    return click.confirm("Continue?", err=True)


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Show a progress bar if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    with click.progressbar(length=total, label=what, file=sys.stderr) as bar:
        yield lambda steps: bar.update(steps)


def counted(count: int, singular: str) -> str:
    """Return the number with its noun, such as `1 job` or `2,000 jobs`."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _safe(cell: object) -> object:
    return cell if cell is None or isinstance(cell, int | float) else shown(str(cell))

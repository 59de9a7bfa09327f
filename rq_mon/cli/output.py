"""Tables and JSON on stdout; all that is said beside them goes to stderr.

Names and texts come from Redis, where anybody may have written anything: nothing of it reaches a terminal as
a control character, or rich as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:  # rich takes long to load, and not every command prints
    from rich.console import Console
    from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 5000
"""A row stays one line: it may be searched for."""
LONGEST_NAME = 200

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")


class Advance(Protocol):
    """Tells a progress bar how many more are done."""

    def __call__(self, steps: int) -> None:
        """This many more are done."""


def shown(text: str) -> str:
    r"""Return text as one line that is safe to print: what is no printable character becomes its escape."""
    if len(text) > LONGEST_NAME:
        text = f"{text[:LONGEST_NAME]}…"
    return _escaped(text)


def shown_lines(text: str) -> str:
    """Return text of several lines as `shown` does, at any length."""
    return "\n".join(_escaped(line.expandtabs()) for line in text.splitlines())


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def print_json(value: object) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2), flush=True)


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, numbers to the right; or, below the title, that there is nothing."""
    from rich.table import Table

    console = _console(sys.stdout)
    console.print(_text(title, "bold"))
    cells = [list(row) for row in rows]
    if not cells:
        console.print("  none")
        return
    table = Table(box=None, header_style="dim")
    for index, heading in enumerate(headings):
        is_number = all(isinstance(row[index], int | float) for row in cells)
        table.add_column(_text(heading), justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(_cell(cell) for cell in row))
    console.print(table)


def clear_screen() -> None:
    """Begin a page again, on a terminal."""
    _console(sys.stdout).clear()


def print_line(text: str, style: str = "") -> None:
    """Print one line of a command's result."""
    _console(sys.stdout).print(_text(text, style), soft_wrap=True)


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
    from rich.progress import Progress

    console = _console(sys.stderr)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def counted(count: int, singular: str) -> str:
    """Return `1 job`, `2,000 jobs`."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _cell(value: Any) -> Text:
    if isinstance(value, int):
        return _text(f"{value:,}")
    return _text("" if value is None else shown(str(value)))


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def _console(file: Any) -> Console:
    from rich.console import Console

    width = None if file.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)

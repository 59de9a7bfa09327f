"""The table of services that start and status print."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stack.runtime import Health, State
from stack.services import Service
from stack.settings import StackSettings

WIDTH_WITHOUT_TERMINAL = 120

STYLES = {
    Health.HEALTHY: "green",
    Health.STARTING: "yellow",
    Health.FAILED: "bold red",
    Health.STOPPED: "dim",
}


def open_console() -> Console:
    """Return a console as wide as the terminal, or wide enough if there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)


def print_states(
    console: Console, states: Mapping[Service, State], settings: StackSettings, notes: Sequence[str]
) -> None:
    """Print a row for each service: its purpose or, if it is not healthy, the reason.

    Then print the notes.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("service", "state", "address"):
        table.add_column(heading, no_wrap=True)
    table.add_column("purpose")
    for service, state in states.items():
        style = STYLES[state.health]
        about = f"[{style}]{escape(state.detail)}[/]" if state.detail else service.purpose
        table.add_row(service.name, f"[{style}]{state.health}[/]", _address(service, settings), about)
    console.print(table)
    for note in notes:
        console.print(note, markup=False)


def _address(service: Service, settings: StackSettings) -> str:
    if service.port_variable is None:
        return ""
    return settings.url(service) or settings.address(service)

"""Confirmation: a command says what it will change, and a person or --yes agrees."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import click

from rq_mon import changes
from rq_mon.catalogue import OperatorAction
from rq_mon.cli.exits import WRONG
from rq_mon.cli.output import ask, print_line, say

YES_OPTION = click.option("--yes", is_flag=True, help="Do not ask (for scripts).")
DRY_RUN_OPTION = click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")


def asks_before(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `confirm`, `dry_run` and `yes`, to a command that changes something."""
    return DRY_RUN_OPTION(YES_OPTION(command))


def confirm(intention: str, *, dry_run: bool, yes: bool) -> bool:
    """Say what will be changed, and ask. Return True to go on, False in a dry run.

    Raises:
        Exit: the user said no.
        UsageError: there is no terminal to ask on, and no --yes.
    """
    if dry_run:
        return False
    if yes:
        say(intention)
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"{intention}\nThis needs a confirmation: expected a terminal, or --yes.")
    if ask(intention):
        return True
    say("Nothing was changed.")
    raise click.exceptions.Exit(WRONG)


def log_change(action: OperatorAction, number: int, of: str) -> None:
    """Log on stderr how much a command changed: see `rq_mon.changes.log_change`."""
    changes.log_change(f"{_account()}@{socket.gethostname()}", action, number, of)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user id without a name
        return str(os.getuid())


def print_dry_run(intention: str) -> None:
    """Print what a dry run would have changed."""
    print_line(f"{intention}\nNothing was changed: this was a dry run.")

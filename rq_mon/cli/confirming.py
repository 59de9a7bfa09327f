"""Nobody changes jobs by accident: what will be touched is named, and a person or --yes agrees."""

from __future__ import annotations

import sys

import click

from rq_mon.cli.output import ask, say

YES_OPTION = click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
DRY_RUN_OPTION = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


def is_confirmed(intention: str, *, yes: bool) -> bool:
    """Tell the user what is about to happen, and return whether to go on.

    Raises:
        UsageError: there is no terminal to ask on, and no --yes.
    """
    if yes:
        say(intention)
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"{intention} Nobody is there to confirm that: expected a terminal, or --yes.")
    if ask(intention):
        return True
    say("Nothing was changed.")
    return False

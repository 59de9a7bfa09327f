"""Exit codes, and the error that ends a command with one line."""

from __future__ import annotations

import click

OK = 0
WRONG = 1
"""Something is wrong, nothing was found, or only part of the work could be done."""
USAGE = 2
"""The command line or a setting in the environment is invalid; nothing was done."""
NO_REDIS = 3
"""Redis cannot be reached, or refuses the command."""
INTERRUPTED = 130
"""Ctrl-C. Work that was finished before stays."""


class CommandError(click.ClickException):
    """The command cannot do what the user asked; the message names the value and what was expected."""

    exit_code = WRONG

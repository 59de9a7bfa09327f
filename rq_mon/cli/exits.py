"""Exit codes, and errors that end a command with one line."""

from __future__ import annotations

import click

OK = 0
WRONG = 1
"""Something is wrong, or nothing was found, or not all could be done."""
USAGE = 2
"""The command line, or a setting in the environment, cannot be used; nothing was done."""
NO_REDIS = 3
"""Redis cannot be reached, or refuses."""
INTERRUPTED = 130
"""Ctrl-C; what is done stays done."""


class CommandError(click.ClickException):
    """What was asked for cannot be done; the message names the value and what was expected."""

    exit_code = WRONG

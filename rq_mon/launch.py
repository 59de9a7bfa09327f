"""Starting processes as commands: `--help` lists their settings, and a missing extra is explained."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rq_mon.environment.variables import Variable
from rq_mon.installed import lacking, misfits, missing

USAGE = 2
"""Exit code: wrong command line, or something is not installed."""


def command_line(command: str, about: str, settings: Iterable[Variable[Any]]) -> argparse.ArgumentParser:
    """Return a parser whose help names the settings."""
    return argparse.ArgumentParser(
        prog=command,
        description=textwrap.fill(about, _width()),
        epilog="settings, in the environment:\n" + "\n".join(_lines(settings)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


@contextmanager
def extra_needed(command: str, extra: str) -> Iterator[None]:
    """Import an extra's packages in this block; end the process if one is missing or does not fit."""
    if sentence := lacking(extra):
        end(command, sentence)
    for sentence in misfits(extra):
        end(command, sentence)
    try:
        yield
    except ModuleNotFoundError as error:
        if sentence := missing(error, extra):
            end(command, sentence)
        raise


def end(command: str, message: str) -> NoReturn:
    """End the process with one line, because it cannot start."""
    print(f"{command}: {message}", file=sys.stderr)
    sys.exit(USAGE)


def _lines(settings: Iterable[Variable[Any]]) -> Iterator[str]:
    for variable in settings:
        yield f"  {variable.name}"
        yield textwrap.fill(variable.help, _width(), initial_indent=" " * 6, subsequent_indent=" " * 6)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 110)

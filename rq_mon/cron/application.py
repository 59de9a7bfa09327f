"""Loads an application's own list of cron jobs from its module."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from rq_mon.cron.entries import CronEntry

DEFAULT_NAME = "CRON_JOBS"


class CronListError(Exception):
    """The list cannot be loaded; the message has the module and what was expected."""


def cron_list(where: str) -> Sequence[CronEntry]:
    """Return the list in a module, which may be in the working directory.

    Args:
        where: the module's dotted path, for its list CRON_JOBS, or path:NAME.

    Raises:
        CronListError: the list cannot be loaded; the message says why.
    """
    module, _, name = where.partition(":")
    found = getattr(_imported(module), name or DEFAULT_NAME, None)
    if found is None:
        raise CronListError(f"{module}: expected a list {name or DEFAULT_NAME} of cron jobs, it has none")
    if not isinstance(found, list | tuple):
        raise CronListError(f"{where}: expected a list of cron jobs, got {type(found).__name__}")
    for number, entry in enumerate(found, start=1):
        if not isinstance(entry, CronEntry):
            raise CronListError(
                f"{where}: cron job number {number} of the list: expected a rq_mon.CronEntry, got {entry!r}"
            )
    return found


def _imported(module: str) -> object:
    if not module or not all(part.isidentifier() for part in module.split(".")):
        raise CronListError(f"expected a module such as myapp.cron_jobs, got {module!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a module may raise anything when it is imported
        *_, last = traceback.extract_tb(error.__traceback__)
        place = "" if isinstance(error, ModuleNotFoundError) else f" ({last.filename}, line {last.lineno})"
        raise CronListError(
            f"expected a module that can be imported from {here}, got {module}:"
            f" {type(error).__name__}: {error}{place}"
        ) from error

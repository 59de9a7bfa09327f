"""`python -m stack.cron_check`: load cron_jobs.py as a cron scheduler does, but register nothing."""

from __future__ import annotations

import ast
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from rq_mon.cron.entries import CronEntry, CronEntryError, define_all
from rq_mon.environment.variables import SettingsError
from rq_mon.settings import Settings

FILE = Path("cron_jobs.py")
LIST = "CRON_JOBS"


def main() -> int:
    """Print each mistake with its line. Return 1 if there is one, else 0."""
    try:
        settings = Settings.from_environment(only=("timezone", "serializer"))
        define_all(_entries(), settings, time.time())
    except CronEntryError as error:
        print(f"{FILE}, line {_line_of_entry(error.number)}: {error}")
    except SettingsError as error:
        print(error)
    except SyntaxError as error:
        file, text = Path(error.filename or FILE).name, (error.text or "").strip()
        print(f"{file}, line {error.lineno}: {error.msg}: {text}")
    except Exception as error:
        print(f"{FILE}, line {_line_of_failure(error)}: {type(error).__name__}: {error}")
    else:
        return 0
    return 1


def _entries() -> Sequence[CronEntry]:
    from cron_jobs import CRON_JOBS

    return CRON_JOBS


def _line_of_failure(error: Exception) -> int | str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == FILE.name]
    return lines[-1] if lines and lines[-1] else "?"


def _line_of_entry(number: int) -> int | str:
    """Return the line where the entry begins, if the file spells out its list."""
    for statement in ast.parse(FILE.read_text(encoding="utf-8")).body:
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        value = getattr(statement, "value", None)
        if names == [LIST] and isinstance(value, ast.List) and number <= len(value.elts):
            return value.elts[number - 1].lineno
    return "?"


if __name__ == "__main__":
    sys.exit(main())

"""Reads `.env`, in the subset of its syntax that docker compose and this project read alike."""

from __future__ import annotations

import re
from pathlib import Path

from rq_mon.environment.variables import SettingsError

ASSIGNMENT = re.compile(
    r"""^(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
        (?: '(?P<single>[^']*)' | "(?P<double>[^"\\$]*)" | (?P<bare>[^\s'"$\\#][^'"$\\]*?)? )
        \s*(?:(?:(?<=\s)|(?<==))\#.*)?$""",
    re.VERBOSE,
)


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables that the file sets; empty if the file does not exist.

    Escapes and `$` references mean different things to different readers, so they are refused: both runtimes
    read the same value, or there is an error.

    Raises:
        SettingsError: the file is not text, or a line is not NAME=value, a comment or empty.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: expected a file of UTF-8 text: {error}") from error
    variables: dict[str, str] = {}
    # Not splitlines(): it splits at characters that are part of a value for other readers.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = ASSIGNMENT.match(line.strip())
        if match is None or "\0" in line:  # not possible in an environment
            # The value may be a secret, so it is not repeated.
            raise SettingsError(
                f"{path.name}, line {number}: expected NAME=value; put a value with quotes,"
                " #, $, or spaces at its ends in single quotes"
            )
        variables[match["name"]] = match["single"] or match["double"] or match["bare"] or ""
    return variables

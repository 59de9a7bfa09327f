"""The file `.env`: the subset of its syntax that docker compose and this project read alike."""

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
    """Return the variables that the file sets; none if there is no such file.

    Escapes and `$` references mean different things to different readers, so they are refused: what both
    runtimes read is the same, or an error.

    Raises:
        SettingsError: the file is no text, or a line is neither NAME=value, nor a comment, nor empty.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: expected a file of UTF-8 text: {error}") from error
    variables: dict[str, str] = {}
    # Not splitlines(): what else it takes for the end of a line is part of the value for other readers.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = ASSIGNMENT.match(line.strip())
        if match is None or "\0" in line:  # which no environment can hold
            # The value may be a secret, so it is not repeated.
            raise SettingsError(
                f"{path.name}, line {number}: expected NAME=value; a value that holds spaces at its ends,"
                " quotes, # or $ goes in single quotes"
            )
        variables[match["name"]] = match["single"] or match["double"] or match["bare"] or ""
    return variables

"""The file `.env`: the subset of its syntax that docker compose and this project read alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from stack.runtime import StackError

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
        StackError: the file is no text, or a line is neither NAME=value, nor a comment, nor empty.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path.name}: expected a file of UTF-8 text: {error}") from error
    variables: dict[str, str] = {}
    # Not splitlines(): what else it takes for the end of a line is part of the value for other readers.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = ASSIGNMENT.match(line.strip())
        if match is None or "\0" in line:  # which no environment can hold
            # The value may be a secret, so it is not repeated.
            raise StackError(
                f"{path.name}, line {number}: expected NAME=value; a value that holds spaces at its ends,"
                " quotes, # or $ goes in single quotes"
            )
        variables[match["name"]] = match["single"] or match["double"] or match["bare"] or ""
    return variables


def set_variable(path: Path, name: str, value: str) -> None:
    """Let the file say NAME=value, and leave everything else in it as it is; make it if there is none."""
    path = path.resolve()  # where a link leads
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    sets_it = [
        match is not None and match["name"] == name
        for match in (ASSIGNMENT.match(line.strip()) for line in lines)
    ]
    if True in sets_it:
        lines = [f"{name}={value}" if sets else line for line, sets in zip(lines, sets_it, strict=True)]
    else:
        lines.append(f"{name}={value}")
    draft = path.with_name(f"{path.name}.draft")
    draft.touch(mode=0o600)
    if path.exists():
        shutil.copymode(path, draft)
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.rename(path)

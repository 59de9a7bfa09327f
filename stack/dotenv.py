"""Write settings that the user changes at run time to `.env`."""

from __future__ import annotations

import shutil
from pathlib import Path

from rq_mon.environment.dotenv import ASSIGNMENT


def set_variable(path: Path, name: str, value: str) -> None:
    """Set NAME=value in the file and keep its other lines. Create the file if it is missing."""
    path = path.resolve()  # write to the target of a link
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

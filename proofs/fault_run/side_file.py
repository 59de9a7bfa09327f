"""What the jobs themselves say: a line when a run begins and one when it ends, in a file that only grows.

It is not in Redis, and no library writes it, so that it tells what was done whatever is killed when.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

SIDE_FILE = "FAULT_RUN_SIDE_FILE"
"""The variable that names the file."""

Event = Literal["begin", "success", "failed", "retry", "callback"]
EVENTS: tuple[Event, ...] = get_args(Event)


class Line(NamedTuple):
    """What a work horse said of a job."""

    time: float
    pid: int
    event: Event
    job_id: str


def note(event: Event, job_id: str) -> None:
    """Add a line. One write, so that lines of several processes do not mix and none is half written."""
    line = f"{time.time():.6f} {os.getpid()} {event} {job_id}\n"
    file = os.open(os.environ[SIDE_FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read(path: Path) -> Mapping[str, Sequence[Line]]:
    """Return the lines by job, in the order in which they were written.

    Raises:
        ValueError: something else is in the file.
    """
    lines: dict[str, list[Line]] = defaultdict(list)
    for text in path.read_text().splitlines() if path.exists() else ():
        moment, pid, event, job_id = text.split(" ", 3)
        if event not in EVENTS:
            raise ValueError(f"{path}: expected one of {', '.join(EVENTS)}, got {text!r}")
        lines[job_id].append(Line(float(moment), int(pid), event, job_id))
    return lines

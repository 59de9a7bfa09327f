"""The side file: each job appends a line when a run begins, and one when it ends.

The file is outside of Redis and no library writes it, so it stays true whatever is killed.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

SIDE_FILE = "FAULT_RUN_SIDE_FILE"
"""Name of the environment variable with the path of the file."""

Event = Literal["begin", "success", "failed", "retry", "callback"]
EVENTS: tuple[Event, ...] = get_args(Event)


class Line(NamedTuple):
    """A line of a work horse about a job."""

    time: float
    pid: int
    event: Event
    job_id: str


def note(event: Event, job_id: str) -> None:
    """Append a line with one write, so that lines of several processes do not mix and none is cut."""
    line = f"{time.time():.6f} {os.getpid()} {event} {job_id}\n"
    file = os.open(os.environ[SIDE_FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read(path: Path) -> Mapping[str, Sequence[Line]]:
    """Return the lines by job, in the order in which they were written.

    Raises:
        ValueError: the file contains other lines.
    """
    lines: dict[str, list[Line]] = defaultdict(list)
    for text in path.read_text().splitlines() if path.exists() else ():
        moment, pid, event, job_id = text.split(" ", 3)
        if event not in EVENTS:
            raise ValueError(f"{path}: expected one of {', '.join(EVENTS)}, got {text!r}")
        lines[job_id].append(Line(float(moment), int(pid), event, job_id))
    return lines

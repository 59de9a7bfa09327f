"""Jobs for each outcome, for workers of the stack under test."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from rq import get_current_job


def succeed() -> str:
    return "done"


def fail() -> None:
    raise LookupError("on purpose")


def succeed_at_second_try() -> None:
    job = get_current_job()
    assert job is not None
    if job.retries_left:
        raise ConnectionError("not yet")


def take(seconds: float) -> None:
    time.sleep(seconds)


def sign(ledger: str, seconds: float) -> None:
    """Take a while, write this job's id into the ledger, then end."""
    job = get_current_job()
    assert job is not None
    time.sleep(seconds)
    line = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(line, f"{job.id}\n".encode())
    os.close(line)


def read_all(paths: list[str]) -> dict[str, str]:
    """The content of each file, or the error."""
    return {path: _read(Path(path)) for path in paths}


def _read(path: Path) -> str:
    try:
        if not path.is_socket():
            return path.read_text(errors="replace")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return "connected"
    except OSError as error:
        return type(error).__name__

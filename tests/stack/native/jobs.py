"""Jobs that end in every way that jobs can, for workers of the stack under test."""

from __future__ import annotations

import os
import time

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
    """Take a while, then write this job's id into the ledger; the end comes after that."""
    job = get_current_job()
    assert job is not None
    time.sleep(seconds)
    line = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(line, f"{job.id}\n".encode())
    os.close(line)

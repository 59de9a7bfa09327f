"""Jobs for the faults."""

from __future__ import annotations

import os
import time

from rq import get_current_job

FIXED_KEY = "rq:drill:fixed"
"""If it exists, `fail_until_fixed` succeeds."""

HORSE = "horse"
"""The key in a job's meta with the id of the process that runs it."""


def succeed() -> None:
    """End at once."""


def take(seconds: float) -> None:
    """Run for these seconds, and record the process id."""
    job = get_current_job()
    if job is not None:
        job.meta[HORSE] = os.getpid()
        job.save_meta()  # type: ignore[no-untyped-call]
    time.sleep(seconds)


def fail_every_second(number: int) -> None:
    """Fail if the number is odd."""
    if number % 2:
        raise LookupError("on purpose")


def fail_every_tenth(number: int) -> None:
    """Fail if the number ends with a 9."""
    if number % 10 == 9:
        raise LookupError("on purpose")


def fail_until_fixed() -> None:
    """Fail until FIXED_KEY exists in Redis."""
    job = get_current_job()
    if job is not None and not job.connection.exists(FIXED_KEY):
        raise LookupError("on purpose")

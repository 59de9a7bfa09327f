"""Functions for workers in tests."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from pathlib import Path

from rq import Retry, get_current_job


def add(first: int, second: int) -> int:
    return first + second


def record(value: object) -> None:
    """Append to the list `trace` in Redis."""
    job = get_current_job()
    assert job is not None
    job.connection.rpush("trace", str(value))


def fail() -> None:
    raise ZeroDivisionError("spanner in the works")


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def wait_for_file(path: str) -> None:
    """Run until the test creates a file."""
    while not Path(path).exists():
        time.sleep(0.05)


def record_and_sleep(value: object, seconds: float) -> None:
    record(value)
    time.sleep(seconds)


def fail_once() -> str:
    job = get_current_job()
    assert job is not None
    if job.connection.incr(f"tries:{job.id}") == 1:
        raise TimeoutError("not yet")
    return "at last"


class Counter:
    """A class whose instances are pickled with jobs of their methods."""

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def plus(self, number: int) -> int:
        return self.start + number

    def __call__(self) -> int:
        return self.start

    @staticmethod
    def zero() -> int:
        return 0

    @classmethod
    def name(cls) -> str:
        return cls.__name__


def log_and_fail(secret: str) -> None:
    """Log from the job's code, from its own thread and from another library, then fail."""
    logger = logging.getLogger("application")
    logger.info("half way\nthere")
    thread = threading.Thread(target=logger.warning, args=("from a thread",))
    thread.start()
    thread.join()
    try:
        int("no number")
    except ValueError:
        logger.exception("caught")
    raise ValueError("the end")


def die() -> None:
    """End like a process that runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def end_after_file(begun: str, end: str, how: str) -> Retry | None:
    """Record the start, run until the test creates a file, and end in one of three ways."""
    with Path(begun).open("a") as lines:
        lines.write("begun\n")
    wait_for_file(end)
    if how == "raises":
        fail()
    return Retry(max=1) if how == "asks for a retry" and Path(begun).read_text() == "begun\n" else None


def ask_for_a_retry() -> Retry:
    return Retry(max=2, interval=60)

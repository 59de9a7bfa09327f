"""Jobs for tests of the command line."""

from __future__ import annotations

import random
import time
from pathlib import Path

from rq import get_current_job


def fail_otherwise(*_: object, **__: object) -> None:
    raise KeyError("customer")


def fail_hostile() -> None:
    raise RuntimeError("\x1b[31mred\x1b[0m [bold red]markup[/] \u202egnirts\nsecond line")


def succeed(*_: object) -> int:
    return 1


def fail_until_exists(path: str) -> None:
    if not Path(path).exists():
        raise FileNotFoundError(path)


def fail_at_length(size: int) -> None:
    raise ValueError(f"INSERT {random.randbytes(size // 2).hex()}")


def succeed_at_length(size: int) -> bytes:
    return random.randbytes(size)


def sleep_until_exists(path: str, *_: object) -> None:
    while not Path(path).exists():
        time.sleep(0.02)


def fail_once() -> None:
    """Fail until it is fixed; count the runs after that."""
    job = get_current_job()
    assert job is not None
    if not job.connection.exists("fixed"):
        raise ValueError("not fixed yet")
    job.connection.hincrby("runs", job.id)

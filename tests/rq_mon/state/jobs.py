"""Jobs for tests of what is read from Redis."""

from __future__ import annotations

import time
from pathlib import Path


def succeed(*_: object, **__: object) -> None: ...


def fail() -> None:
    raise ValueError("no")


def return_it(value: object) -> object:
    return value


def sleep_until_exists(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)

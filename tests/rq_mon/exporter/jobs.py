"""Jobs for real workers."""

from __future__ import annotations

import time


def succeed() -> None:
    return


def fail() -> None:
    raise ValueError("no")


def sleep(seconds: float) -> None:
    time.sleep(seconds)

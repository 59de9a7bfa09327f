"""Jobs that fail, take long, or return something."""

from __future__ import annotations

import time


def charge(card: str) -> None:
    raise ValueError(f"card {card} was refused")


def refund(number: int) -> int:
    return number * 2


def wait(seconds: float) -> None:
    time.sleep(seconds)

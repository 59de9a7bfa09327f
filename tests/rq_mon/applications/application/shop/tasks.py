"""The jobs of the application."""

from __future__ import annotations

import time
from pathlib import Path

from .classes import Order


class PaymentDeclinedError(Exception):
    """An exception of the application's own."""


def ship(order: Order) -> str:
    return f"shipped {order.number}"


def charge(order: Order) -> None:
    raise PaymentDeclinedError(order.number)


def send(recipient: str) -> str:
    return f"sent to {recipient}"


def add(first: int, second: int) -> int:
    return first + second


def divide(first: int, second: int) -> float:
    return first / second


def pack_until(file: str) -> None:
    """Run until the test creates the file."""
    while not Path(file).exists():
        time.sleep(0.05)

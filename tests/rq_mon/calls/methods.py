"""Methods and objects of every kind that RQ can enqueue."""

from __future__ import annotations

import enum
from collections import namedtuple
from typing import Any


class Report:
    def __init__(self, weight: int = 0) -> None:
        self.weight = b"x" * weight

    def run(self) -> None: ...

    def __call__(self) -> None: ...

    @classmethod
    def handle(cls) -> None: ...

    @staticmethod
    def clear() -> None: ...

    def Report(self) -> None:  # noqa: N802 - a method with the name of its class
        ...

    class Part:
        class Line:
            def run(self) -> None: ...


class Invoice(Report):
    def run(self) -> None: ...


class Rebuilt:
    """Defines how it is rebuilt."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Rebuilt, ()

    def run(self) -> None: ...


class Slotted:
    __slots__ = ("a",)

    def run(self) -> None: ...


class Listed(list[int]):
    def run(self) -> None: ...


class Named(namedtuple("Named", "a b")):
    def run(self) -> None: ...


class Color(enum.Enum):
    RED = "red"

    def run(self) -> None: ...


class FailedError(Exception):
    def run(self) -> None: ...


def function(*_: object) -> None: ...

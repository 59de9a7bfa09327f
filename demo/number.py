"""A number on a command line."""

from __future__ import annotations

import math
from collections.abc import Callable

import click


class Number(click.ParamType):  # type: ignore[type-arg]
    """A finite number with bounds; an error names the value and what was expected.

    Args:
        kind: int or float.
        expected: what the error says was expected, such as "a number of seconds above 0".
        accepts: whether a number is within the bounds.
    """

    name = "number"

    def __init__(self, kind: Callable[[str], float], expected: str, accepts: Callable[[float], bool]) -> None:
        self._kind = kind
        self._expected = expected
        self._accepts = accepts

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the command with the error."""
        try:
            number = self._kind(str(value))
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and self._accepts(number)):
            self.fail(f"expected {self._expected}, got {str(value)!r}", param, ctx)
        return number

"""A value as text, with its unit apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Formatted:
    """A value ready to show; the parts are apart because some panels draw the unit smaller."""

    text: str
    suffix: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.prefix}{self.text}{self.suffix}"


Format = Callable[[float, int | None], Formatted]
"""From a value and a number of decimals, None for the automatic one."""

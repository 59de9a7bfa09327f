"""Types of settings: each knows what it expects and checks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Name = TypeVar("Name", bound=str)

LONGEST_NUMBER = 300
"""Longest number, in digits. Python refuses to parse much longer ones."""
_NAME = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
HOST_NAME = re.compile(_NAME)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A type of values."""

    expected: str
    """Completes the sentence "expected …"."""
    read: Callable[[str], T]
    """Parses a text; raises ValueError if it is invalid."""

    def __call__(self, text: str) -> T:
        """Return the value of `text`.

        Raises:
            ValueError: it is invalid; the message has what was expected and the text.
        """
        try:
            return self.read(text)
        except ValueError as error:
            raise ValueError(f"{self.expected}, got {text!r}") from error


def whole_number(minimum: int, maximum: int | None = None) -> Kind[int]:
    """A whole number of at least 0, within these bounds."""
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
            raise ValueError
        number = int(text)
        if number < minimum or (maximum is not None and number > maximum):
            raise ValueError
        return number

    return Kind(f"a whole number {bounds}", read)


def one_of(choices: tuple[Name, ...]) -> Kind[Name]:
    """One of these words, in upper or lower case."""

    def read(text: str) -> Name:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError

    return Kind(f"one of {', '.join(choices)}", read)


def matching(pattern: str, expected: str) -> Kind[str]:
    """A text that matches the whole pattern."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Kind(expected, read)


WEB_ADDRESS = matching(r"https?://\S*[^\s/]", "a URL that does not end with /")


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        # A host that ends in a number must be an IPv4 address.
        if not HOST_NAME.fullmatch(text) or text.rpartition(".")[2].isdigit():
            raise
        return text


PORT = Kind("a port, a whole number from 1 to 65535", whole_number(1, 65535).read)
BIND_ADDRESS = Kind(
    "an IPv4 address of this machine, or 0.0.0.0 for all of them", lambda text: str(IPv4Address(text))
)
HOST = Kind("an IP address or a host name of this machine", _host)
HOST_NAMES = matching(rf"{_NAME}( *, *{_NAME})*", "host names, separated by commas")
TEXT = Kind("text", str)
PATH = Kind("a path", Path)

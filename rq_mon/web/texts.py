"""Formats values for the pages."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from markupsafe import Markup

SHORT = 160
"""Characters of a name in a table; its tooltip has more."""
FITS_IN_A_LINE = 30
PARTS = re.compile(r"(?<=[._:/])(?=\w)")

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def presentable(value: object) -> object:
    r"""Return a template's value; in text, non-printable characters become escapes, such as \u202e.

    Line feeds and tabs stay. An escape shows what a name really is; a character that reverses the direction
    of the text would hide it.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(each if each.isprintable() or each in "\n\t" else _escape(each) for each in value)


def short(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def breakable(text: str) -> str:
    """Return a long name that can break after dots and underscores, but not in a word."""
    return Markup("<wbr>").join(PARTS.split(str(presentable(text)))) if len(text) > FITS_IN_A_LINE else text


def number(value: float | None) -> str:
    """Return a number such as 12,000; a question mark if it could not be read."""
    return "?" if value is None else f"{value:,.0f}"


def counted(count: int, singular: str) -> str:
    """Return a number with its noun, such as `1 job` or `2,000 jobs`."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def span(seconds: float | None) -> str:
    """Return a time span in its two largest units, such as 2 h 5 min."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    left, parts = int(seconds), list[str]()
    for size, unit in UNITS:
        amount, left = divmod(left, size)
        if amount or parts:
            parts.append(f"{amount} {unit}" if amount else "")
    return " ".join(filter(None, parts[:2])) or "0 s"


def moment(at: float | None) -> str:
    """Return a Unix time as a date in UTC."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f}"


def ago(at: float | None, now: float) -> str:
    """Return how long ago a Unix time was, or how long until then."""
    if at is None:
        return ""
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def size(octets: int | None) -> str:
    """Return a size such as 12.3 kB."""
    if octets is None:
        return "?"
    if octets < 1000:
        return f"{octets} bytes"
    amount, unit = next(
        ((octets / power, unit) for power, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if octets >= power)
    )
    return f"{amount:,.1f} {unit}"


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode()

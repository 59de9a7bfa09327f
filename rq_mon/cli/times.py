"""Time spans as people type and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 100 * 365 * 86400


class Span(click.ParamType):  # type: ignore[type-arg]
    """A number of seconds, typed as 90s, 30m, 2h, 7d or 1w."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        found = re.fullmatch(r"([0-9]{1,9})([smhdw])", str(value).strip(), re.ASCII)
        seconds = int(found[1]) * UNITS[found[2]] if found else 0
        if not 0 < seconds <= LONGEST:
            self.fail(f"expected a time span such as 90s, 30m, 2h, 7d or 1w, got {value!r}", param, ctx)
        return float(seconds)


SPAN = Span()


def for_how_long(seconds: float | None) -> str:
    """Return a span in its two largest units, such as `2h 5m`; empty for None."""
    if seconds is None:
        return ""
    left, parts = max(0, round(seconds)), []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2]) or "0s"


def ago(moment: float | None, now: float) -> str:
    """Return how long ago a Unix time was, such as `2h 5m ago`; empty for None."""
    return "" if moment is None else f"{for_how_long(now - moment)} ago"


def iso(moment: float | None) -> str | None:
    """Return a Unix time in ISO 8601, in UTC."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # any program may have written the number
        return None

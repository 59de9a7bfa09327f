"""Durations as Grafana writes them: 4.20 ms, 1.50 mins, 1 hour, 00:05:00."""

from __future__ import annotations

import math
from dataclasses import replace

from grafana.preview import dates
from grafana.preview.formatted import Format, Formatted
from grafana.preview.numbers import to_fixed, to_string

PLURAL = ("min", "hour", "day", "week", "year")


def _step_up(*steps: tuple[float, float, str]) -> Format:
    """Choose the unit by size: (below this, divide by that, unit), the last one for all that is larger."""

    def step(value: float, decimals: int | None) -> Formatted:
        for limit, divisor, unit in steps:
            if abs(value) < limit:
                scaled = value / divisor
                plural = "s" if unit in PLURAL and divisor != 1 and abs(scaled) > 1 else ""
                return Formatted(to_fixed(scaled, decimals), f" {unit}{plural}")
        return Formatted(to_string(value))

    return step


INFINITY = math.inf
MINUTE, HOUR, DAY, WEEK, YEAR = 60, 3600, 86400, 604800, 31536000

_seconds_by_size = _step_up(
    (1e-6, 1e-9, "ns"),
    (1e-3, 1e-6, "µs"),
    (1, 1e-3, "ms"),
    (MINUTE, 1, "s"),
    (HOUR, MINUTE, "min"),
    (DAY, HOUR, "hour"),
    (WEEK, DAY, "day"),
    (YEAR, WEEK, "week"),
    (INFINITY, 31556900, "year"),
)


def seconds(value: float, decimals: int | None) -> Formatted:
    """Write seconds in the unit that fits their size: ns, µs, ms, s, mins, hours and so on."""
    return Formatted("0", " s") if value == 0 else _seconds_by_size(value, decimals)


milliseconds = _step_up(
    (1e3, 1, "ms"),
    (MINUTE * 1e3, 1e3, "s"),
    (HOUR * 1e3, MINUTE * 1e3, "min"),
    (DAY * 1e3, HOUR * 1e3, "hour"),
    (YEAR * 1e3, DAY * 1e3, "day"),
    (INFINITY, YEAR * 1e3, "year"),
)
minutes = _step_up(
    (60, 1, "min"),
    (1440, 60, "hour"),
    (10080, 1440, "day"),
    (604800, 10080, "week"),
    (INFINITY, 525948, "year"),
)
hours = _step_up((24, 1, "hour"), (168, 24, "day"), (8760, 168, "week"), (INFINITY, 8760, "year"))
microseconds = _step_up((1e3, 1, "µs"), (1e6, 1e3, "ms"), (INFINITY, 1e6, "s"))


def duration(milliseconds_each: int, unit: str) -> Format:
    """Words such as `1 hour, 5 minutes`; `decimals` says how many units follow the first."""

    def write(value: float, decimals: int | None) -> Formatted:
        if value == 0:
            return Formatted("0", f" {unit}s")
        if value < 0:
            positive = write(-value, decimals)
            return replace(positive, suffix=f"{positive.suffix} ago")
        return Formatted(", ".join(dates.words(value * milliseconds_each, (decimals or 0) + 1)))

    return write


def clock(with_days: bool) -> Format:
    """Return a format such as `26:05:09`, or with days `1 d 02:05:09`."""

    def write(value: float, decimals: int | None) -> Formatted:
        if value < 0:
            return replace(write(-value, decimals), suffix=" ago")
        days, rest = divmod(value, DAY) if with_days else (0, value)
        text = f"{int(rest // HOUR):02}:{int(rest % HOUR // MINUTE):02}:{int(rest % MINUTE):02}"
        return Formatted(f"{int(days)} d {text}" if days else text)

    return write

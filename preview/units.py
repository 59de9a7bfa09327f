"""Values with their unit, as Grafana writes them: 0.0042 s is `4.20 ms`, 90 s is `1.50 mins`.

The rules are those of getValueFormat in @grafana/data; the tests compare with its output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from preview import dates
from preview.numbers import to_fixed, to_string


@dataclass(frozen=True, slots=True)
class Formatted:
    """A value ready to show; the parts are apart because some panels draw the unit smaller."""

    text: str
    suffix: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.prefix}{self.text}{self.suffix}"


Format = Callable[[float, int | None], Formatted]


def format_value(value: float, unit: str, decimals: int | None = None, *, now: datetime) -> Formatted:
    """Write `value` in `unit` (Grafana's unit id), with its automatic number of decimals when None.

    `now` carries the time zone that dates are shown in, and is what `dateTimeFromNow` counts from. An unknown
    unit is written behind the number, as Grafana does.
    """
    if unit in dates.DATE_FORMATS or unit.startswith("time:"):
        return Formatted(dates.format_date(value, unit, now=now))
    return _format_of(unit)(value, decimals)


def is_date(unit: str) -> bool:
    """Tell whether values in this unit are times, in milliseconds since 1970."""
    return unit in dates.DATE_FORMATS or unit.startswith("time:")


def _format_of(unit: str) -> Format:
    if unit in FORMATS:
        return FORMATS[unit]
    kind, _, rest = unit.partition(":")
    if kind in _PARAMETERISED and rest:
        return _PARAMETERISED[kind](rest)
    return _suffixed(unit)


def _suffixed(unit: str) -> Format:
    suffix = f" {unit}" if unit else ""
    return lambda value, decimals: Formatted(to_fixed(value, decimals), suffix)


def _prefixed(unit: str) -> Format:
    return lambda value, decimals: Formatted(to_fixed(value, decimals), prefix=unit)


def _scaled(factor: int, suffixes: Sequence[str], base: int = 0) -> Format:
    """Divide by powers of `factor` until the number is short; `suffixes[base]` belongs to factor**0."""

    def scale(value: float, decimals: int | None) -> Formatted:
        if not math.isfinite(value):
            return Formatted(to_string(value))
        power = 0 if value == 0 else math.floor(math.log10(abs(value)) / math.log10(factor))
        power = min(max(power, -base), len(suffixes) - base - 1)
        return Formatted(to_fixed(value / float(factor) ** power, decimals), suffixes[base + power])

    return scale


SI_PREFIXES = ("f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y")
BINARY_PREFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


def _si(unit: str, offset: int = 0) -> Format:
    return _scaled(1000, [f" {prefix}{unit}" for prefix in SI_PREFIXES], SI_PREFIXES.index("") + offset)


def _si_with_prefix(unit: str) -> Format:
    """`si:ms` counts in milli-s: the first letter is the prefix that the values already have."""
    if unit[0] in SI_PREFIXES:
        return _si(unit[1:], SI_PREFIXES.index(unit[0]) - SI_PREFIXES.index(""))
    return _si(unit)


def _binary(unit: str) -> Format:
    return _scaled(1024, [f" {prefix}{unit}" for prefix in BINARY_PREFIXES])


def _count(unit: str) -> Format:
    scale = _scaled(1000, ("", "K", "M", "B", "T"))

    def count(value: float, decimals: int | None) -> Formatted:
        scaled = scale(value, decimals)
        return replace(scaled, suffix=f"{scaled.suffix} {unit}")

    return count


def _percent(factor: int) -> Format:
    return lambda value, decimals: Formatted(to_fixed(value * factor, decimals), "%")


def _boolean(true: str, false: str) -> Format:
    return lambda value, _decimals: Formatted(true if value else false)


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

_seconds_in_steps = _step_up(
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


def _seconds(value: float, decimals: int | None) -> Formatted:
    return Formatted("0", " s") if value == 0 else _seconds_in_steps(value, decimals)


_milliseconds = _step_up(
    (1e3, 1, "ms"),
    (MINUTE * 1e3, 1e3, "s"),
    (HOUR * 1e3, MINUTE * 1e3, "min"),
    (DAY * 1e3, HOUR * 1e3, "hour"),
    (YEAR * 1e3, DAY * 1e3, "day"),
    (INFINITY, YEAR * 1e3, "year"),
)
_minutes = _step_up(
    (60, 1, "min"),
    (1440, 60, "hour"),
    (10080, 1440, "day"),
    (604800, 10080, "week"),
    (INFINITY, 525948, "year"),
)
_hours = _step_up((24, 1, "hour"), (168, 24, "day"), (8760, 168, "week"), (INFINITY, 8760, "year"))
_microseconds = _step_up((1e3, 1, "µs"), (1e6, 1e3, "ms"), (INFINITY, 1e6, "s"))


def _duration(milliseconds_each: int, unit: str) -> Format:
    """Words such as `1 hour, 5 minutes`; `decimals` says how many units follow the first."""

    def duration(value: float, decimals: int | None) -> Formatted:
        if value == 0:
            return Formatted("0", f" {unit}s")
        if value < 0:
            positive = duration(-value, decimals)
            return replace(positive, suffix=f"{positive.suffix} ago")
        return Formatted(", ".join(dates.words(value * milliseconds_each, (decimals or 0) + 1)))

    return duration


def _clock(with_days: bool) -> Format:
    def clock(value: float, decimals: int | None) -> Formatted:
        if value < 0:
            return replace(clock(-value, decimals), suffix=" ago")
        days, rest = divmod(value, DAY) if with_days else (0, value)
        text = f"{int(rest // HOUR):02}:{int(rest % HOUR // MINUTE):02}:{int(rest % MINUTE):02}"
        return Formatted(f"{int(days)} d {text}" if days else text)

    return clock


FORMATS: dict[str, Format] = {
    "": _suffixed(""),
    "none": _suffixed(""),
    "short": _scaled(1000, ("", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept")),
    "sishort": _si(""),
    "percent": _percent(1),
    "percentunit": _percent(100),
    "bool": _boolean("True", "False"),
    "bool_yes_no": _boolean("Yes", "No"),
    "bool_on_off": _boolean("On", "Off"),
    "bytes": _binary("B"),
    "decbytes": _si("B"),
    "bits": _binary("b"),
    "decbits": _si("b"),
    "binBps": _binary("B/s"),
    "Bps": _si("B/s"),
    "µs": _microseconds,
    "ms": _milliseconds,
    "s": _seconds,
    "m": _minutes,
    "h": _hours,
    "dtdurations": _duration(1000, "second"),
    "dtdurationms": _duration(1, "millisecond"),
    "dthms": _clock(with_days=False),
    "dtdhms": _clock(with_days=True),
    **{
        unit: _count(text)
        for unit, text in {
            "cps": "c/s",
            "ops": "ops/s",
            "reqps": "req/s",
            "rps": "rd/s",
            "wps": "wr/s",
            "iops": "io/s",
            "cpm": "c/m",
            "opm": "ops/m",
            "reqpm": "req/m",
            "rpm": "rd/m",
            "wpm": "wr/m",
        }.items()
    },
}

_PARAMETERISED: dict[str, Callable[[str], Format]] = {
    "prefix": _prefixed,
    "suffix": _suffixed,
    "si": _si_with_prefix,
    "count": _count,
}

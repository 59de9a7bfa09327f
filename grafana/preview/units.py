"""Values with their unit, as Grafana writes them: 0.0042 s is `4.20 ms`, 90 s is `1.50 mins`.

The rules are those of getValueFormat in @grafana/data; the tests compare with its output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from grafana.preview import dates
from grafana.preview.durations import clock, duration, hours, microseconds, milliseconds, minutes, seconds
from grafana.preview.formatted import Format, Formatted
from grafana.preview.numbers import to_fixed, to_string


def format_value(value: float, unit: str, decimals: int | None = None, *, now: datetime) -> Formatted:
    """Write `value` in `unit` (Grafana's unit id), with its automatic number of decimals when None.

    `now` carries the time zone that dates are shown in, and is what `dateTimeFromNow` counts from. An unknown
    unit is written behind the number, as Grafana does.
    """
    if is_date(unit):
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
    "µs": microseconds,
    "ms": milliseconds,
    "s": seconds,
    "m": minutes,
    "h": hours,
    "dtdurations": duration(1000, "second"),
    "dtdurationms": duration(1, "millisecond"),
    "dthms": clock(with_days=False),
    "dtdhms": clock(with_days=True),
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

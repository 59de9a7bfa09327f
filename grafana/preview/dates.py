"""Times as Grafana writes them. Values are milliseconds since 1970, as everywhere in Grafana."""

from __future__ import annotations

import re
from datetime import datetime

ISO = "YYYY-MM-DD HH:mm:ss"
DATE_FORMATS = {
    "dateTimeAsIso": ISO,
    "dateTimeAsIsoNoDateIfToday": ISO,
    "dateTimeAsSystem": ISO,
    "dateTimeAsUS": "MM/DD/YYYY h:mm:ss a",
    "dateTimeAsUSNoDateIfToday": "MM/DD/YYYY h:mm:ss a",
    "dateTimeAsLocal": "MM/DD/YYYY, hh:mm:ss A",
    "dateTimeAsLocalNoDateIfToday": "MM/DD/YYYY, hh:mm:ss A",
    "dateTimeFromNow": "",
}
"""Pattern (of moment.js) by unit id."""

TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "DD": "%d", "dddd": "%A", "ddd": "%a",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "A": "%p",
}  # fmt: skip
"""strftime's code by moment.js token."""

_TOKEN = re.compile(r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a")


def at(milliseconds: float, now: datetime) -> datetime:
    """Return the time in the time zone of `now`."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=now.tzinfo)


def format_date(milliseconds: float, unit: str, *, now: datetime) -> str:
    """Write a time in a date unit of Grafana, or in `time:<pattern>`; "Invalid date" beyond the year 9999."""
    try:
        time = at(milliseconds, now)
    except (ValueError, OverflowError, OSError):
        return "Invalid date"
    if unit == "dateTimeFromNow":
        return from_now((time - now).total_seconds())
    pattern = unit.removeprefix("time:") if unit.startswith("time:") else DATE_FORMATS[unit]
    if unit.endswith("NoDateIfToday") and time.date() == now.date():
        pattern = pattern.split(" ", 1)[1]
    return by_pattern(time, pattern)


def by_pattern(time: datetime, pattern: str) -> str:
    """Write a time by a pattern of moment.js."""

    def replace(match: re.Match[str]) -> str:
        token = match[0]
        if token.startswith("["):
            return match[1]
        if token == "SSS":  # noqa: S105 - a pattern, not a password
            return f"{time.microsecond // 1000:03}"
        if token == "a":  # noqa: S105
            return time.strftime("%p").lower()
        if token in TOKENS:
            return time.strftime(TOKENS[token])
        return str(int(time.strftime(TOKENS[token * 2])))  # M, D, H, h, m, s: without the leading zero

    return _TOKEN.sub(replace, pattern)


def from_now(seconds: float) -> str:
    """Write a distance in time as moment.js does: `2 minutes ago`, `in an hour`."""
    words = _about(abs(seconds))
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _about(seconds: float) -> str:
    minutes, hours, days = (round(seconds / size) for size in (60, 3600, 86400))
    months = round(seconds / 86400 * 4800 / 146097)
    years = round(seconds / 86400 * 4800 / 146097 / 12)
    steps = (
        (round(seconds) <= 44, "a few seconds"),
        (minutes <= 1, "a minute"),
        (minutes < 45, f"{minutes} minutes"),
        (hours <= 1, "an hour"),
        (hours < 22, f"{hours} hours"),
        (days <= 1, "a day"),
        (days < 26, f"{days} days"),
        (months <= 1, "a month"),
        (months < 11, f"{months} months"),
        (years <= 1, "a year"),
    )
    return next((words for fits, words in steps if fits), f"{years} years")


SPANS = (
    ("year", 31_536_000_000),
    ("month", 2_592_000_000),
    ("week", 604_800_000),
    ("day", 86_400_000),
    ("hour", 3_600_000),
    ("minute", 60_000),
    ("second", 1000),
    ("millisecond", 1),
)


def words(milliseconds: float, count: int) -> list[str]:
    """Split a duration into at most `count` neighbouring units: `1 hour`, `5 minutes`."""
    parts: list[str] = []
    for unit, size in SPANS:
        if len(parts) == count:
            break
        number = int(milliseconds // size)
        if number or parts:
            parts.append(f"{number} {unit}{'' if number == 1 else 's'}")
            milliseconds -= number * size
    return parts

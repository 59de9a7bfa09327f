"""Time ranges as Grafana's URLs write them, and the steps at which a range is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

QUICK_RANGES = (
    ("now-5m", "Last 5 minutes"),
    ("now-15m", "Last 15 minutes"),
    ("now-30m", "Last 30 minutes"),
    ("now-1h", "Last 1 hour"),
    ("now-3h", "Last 3 hours"),
    ("now-6h", "Last 6 hours"),
    ("now-12h", "Last 12 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now-90d", "Last 90 days"),
)
REFRESH_INTERVALS = ("5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h")

MAX_POINTS = 11_000
"""Prometheus refuses a range query that would give more points a series."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,6})([smhdwMy]))?(?:/([smhdwMy]))?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")

# roundInterval in @grafana/data: an interval below the first number becomes the second, in milliseconds.
_ROUNDING = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000), (3500, 2000),
    (7500, 5000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000),
    (210_000, 120_000), (450_000, 300_000), (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000),
    (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000), (3_628_800_000, 2_592_000_000),
)  # fmt: skip


class TimeRangeError(ValueError):
    """A time in the URL cannot be read."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From and to as the URL has them, and the moments that they mean now."""

    raw_from: str
    raw_to: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Length."""
        return (self.end - self.start).total_seconds()

    @property
    def label(self) -> str:
        """What the button of the time picker says."""
        quick = dict(QUICK_RANGES).get(self.raw_from) if self.raw_to == "now" else None
        return quick or f"{self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S}"


def parse_range(raw_from: str, raw_to: str, now: datetime) -> TimeRange:
    """Read two times of a URL; `now` carries the time zone of the browser.

    Raises:
        TimeRangeError: one is not a time, or the range ends before it starts.
    """
    start, end = _moment(raw_from, now, round_up=False), _moment(raw_to, now, round_up=True)
    if start >= end:
        raise TimeRangeError(f"the time range must end after it starts, got {raw_from!r} to {raw_to!r}")
    return TimeRange(raw_from, raw_to, start, end)


def _moment(text: str, now: datetime, *, round_up: bool) -> datetime:
    try:
        if text.isascii() and text.isdigit() and len(text) <= 15:
            return datetime.fromtimestamp(int(text) / 1000, tz=now.tzinfo)
        if match := _RELATIVE.fullmatch(text):
            sign, count, unit, rounding = match.groups()
            moved = now + timedelta(seconds=_SECONDS[unit] * int(f"{sign}{count}")) if unit else now
            return _rounded(moved, rounding, round_up=round_up) if rounding else moved
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=now.tzinfo) if parsed.tzinfo is None else parsed.astimezone(now.tzinfo)
    except (ValueError, OverflowError, OSError) as error:
        raise TimeRangeError(
            f"expected a time such as now-6h or 2026-01-31 12:00:00, got {text[:40]!r}"
        ) from error


def _rounded(moment: datetime, unit: str, *, round_up: bool) -> datetime:
    """Cut to the start of the unit, or fill up to its last moment (`now/d` is today)."""
    first = moment.replace(microsecond=0, second=0)
    if unit in "hdwMy":
        first = first.replace(minute=0)
    if unit in "dwMy":
        first = first.replace(hour=0)
    if unit == "s":
        first = moment.replace(microsecond=0)
    if unit == "w":
        first -= timedelta(days=first.weekday())
    if unit in "My":
        first = first.replace(day=1)
    if unit == "y":
        first = first.replace(month=1)
    if not round_up:
        return first
    # A month is cut again: 31 days may reach beyond its end.
    following = first + timedelta(seconds=_SECONDS[unit] + (4 * 86400 if unit in "My" else 0))
    return (_rounded(following, unit, round_up=False) if unit in "My" else following) - timedelta(
        milliseconds=1
    )


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `30s`, `1m` or `1h30m`.

    Raises:
        ValueError: it is none.
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"expected a duration such as 30s, 5m or 1h, got {text[:40]!r}")
    return sum(float(number) * (0.001 if unit == "ms" else _SECONDS[unit]) for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Write a duration as PromQL takes it: whole units where they fit, else milliseconds."""
    if seconds != int(seconds):
        return f"{round(seconds * 1000)}ms"
    for unit in ("d", "h", "m"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{int(seconds)}s"


def step_for(range_seconds: float, points: int, smallest: float) -> float:
    """Return $__interval in seconds: the range over the number of points, rounded as Grafana rounds.

    Never below `smallest` (the scrape interval, or the target's own), nor so small that Prometheus refuses.
    """
    wanted = range_seconds * 1000 / max(points, 1)
    rounded = next((result for limit, result in _ROUNDING if wanted < limit), 31_536_000_000) / 1000
    return max(rounded, smallest, range_seconds / MAX_POINTS)


def rate_interval(step: float, scrape_interval: float) -> float:
    """Return $__rate_interval in seconds: at least four scrapes, so that a rate always has two samples."""
    return max(step + scrape_interval, 4 * scrape_interval)

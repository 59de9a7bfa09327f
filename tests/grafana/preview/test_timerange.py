"""Time ranges, and the steps and intervals that follow from them, are Grafana's."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grafana.preview.timerange import (
    TimeRangeError,
    format_duration,
    parse_duration,
    parse_range,
    rate_interval,
    step_for,
)

NOW = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("now-6h", datetime(2026, 11, 24, 6, 34, 56, tzinfo=UTC)),
        ("now-2d", datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)),
        ("now/d", datetime(2026, 11, 24, tzinfo=UTC)),
        ("now-1d/d", datetime(2026, 11, 23, tzinfo=UTC)),
        ("now/w", datetime(2026, 11, 23, tzinfo=UTC)),
        ("now/M", datetime(2026, 11, 1, tzinfo=UTC)),
        ("now/y", datetime(2026, 1, 1, tzinfo=UTC)),
        ("1795478400000", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24 01:02:03", datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)),
        ("2026-11-24T01:02:03+01:00", datetime(2026, 11, 24, 0, 2, 3, tzinfo=UTC)),
    ],
)
def test_start_of_a_range(text: str, moment: datetime) -> None:
    assert parse_range(text, "now+1s", NOW).start == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now/d", datetime(2026, 11, 24, 23, 59, 59, 999000, tzinfo=UTC)),
        ("now/M", datetime(2026, 11, 30, 23, 59, 59, 999000, tzinfo=UTC)),
        ("now/y", datetime(2026, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_rounded_end_is_the_last_moment_of_the_unit(text: str, moment: datetime) -> None:
    assert parse_range("now-2y", text, NOW).end == moment


def test_absolute_times_are_read_in_the_readers_time_zone() -> None:
    tokyo = NOW.astimezone(ZoneInfo("Asia/Tokyo"))
    start = parse_range("2026-11-24 09:00:00", "now", tokyo).start
    assert start == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "now-6", "now-6x", "99999999999999999", "", "now-999999y"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(TimeRangeError, match="expected a time"):
        parse_range(text, "now", NOW)


def test_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(TimeRangeError, match="must end after it starts"):
        parse_range("now", "now-1h", NOW)


@pytest.mark.parametrize(
    ("hours", "points", "scrape_interval", "step"),
    [
        (1, 800, 5, 5),
        (6, 800, 5, 30),
        (24, 800, 5, 120),
        (168, 800, 5, 900),
        (1, 100, 5, 30),
        (1, 800, 15, 15),
    ],
)
def test_step_is_rounded_as_grafana_rounds(
    hours: int, points: int, scrape_interval: int, step: float
) -> None:
    assert step_for(hours * 3600, points, scrape_interval) == step


def test_step_never_gives_more_points_than_prometheus_takes() -> None:
    assert 90 * 86400 / step_for(90 * 86400, 1_000_000, 1) <= 11_000


@pytest.mark.parametrize(("step", "interval"), [(5, 20), (15, 20), (30, 35), (120, 125)])
def test_rate_interval_covers_four_scrapes(step: float, interval: float) -> None:
    assert rate_interval(step, scrape_interval=5) == interval


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "20s"), (60, "1m"), (90, "90s"), (86400, "1d"), (0.2, "200ms")]
)
def test_durations_are_written_for_promql_and_read_back(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds


def test_what_is_no_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration("soon")

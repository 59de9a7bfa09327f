"""Values and times are written as Grafana writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grafana.preview.units import format_value

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

# By unit: value, text with automatic decimals, text with one decimal; printed by getValueFormat of
# @grafana/data 13.2.3.
GRAFANA = json.loads((Path(__file__).parent / "grafana_units.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("unit", GRAFANA)
def test_numbers_read_as_in_grafana(unit: str) -> None:
    ours = [
        [value, str(format_value(value, unit, now=NOW)), str(format_value(value, unit, 1, now=NOW))]
        for value, *_ in GRAFANA[unit]
    ]
    assert ours == GRAFANA[unit]


def at(*time: int) -> float:
    return datetime(*time, tzinfo=UTC).timestamp() * 1000  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (at(2026, 11, 24, 11, 59, 30), "a few seconds ago"),
        (at(2026, 11, 24, 11, 59, 1), "a minute ago"),
        (at(2026, 11, 24, 11, 20), "40 minutes ago"),
        (at(2026, 11, 24, 11, 0), "an hour ago"),
        (at(2026, 11, 24, 7, 0), "5 hours ago"),
        (at(2026, 11, 23, 11, 0), "a day ago"),
        (at(2026, 11, 4, 12, 0), "20 days ago"),
        (at(2026, 10, 20, 12, 0), "a month ago"),
        (at(2026, 5, 24, 12, 0), "6 months ago"),
        (at(2023, 11, 24, 12, 0), "3 years ago"),
        (at(2026, 11, 24, 12, 10), "in 10 minutes"),
    ],
)
def test_distance_in_time_reads_as_in_grafana(time: float, text: str) -> None:
    assert str(format_value(time, "dateTimeFromNow", now=NOW)) == text


def test_times_are_in_the_time_zone_of_the_reader() -> None:
    new_york = NOW.astimezone(ZoneInfo("America/New_York"))
    assert str(format_value(at(2026, 7, 1, 12), "dateTimeAsIso", now=new_york)) == "2026-07-01 08:00:00"
    assert str(format_value(at(2026, 12, 1, 12), "dateTimeAsIso", now=new_york)) == "2026-12-01 07:00:00"


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("dateTimeAsIsoNoDateIfToday", "09:05:03"),
        ("dateTimeAsUS", "11/24/2026 9:05:03 am"),
        ("time:ddd D MMM YYYY [at] HH:mm:ss.SSS", "Tue 24 Nov 2026 at 09:05:03.000"),
    ],
)
def test_patterns_of_moment_js(unit: str, text: str) -> None:
    assert str(format_value(at(2026, 11, 24, 9, 5, 3), unit, now=NOW)) == text


def test_time_that_no_calendar_has_is_said_to_be_invalid() -> None:
    assert str(format_value(1e20, "dateTimeAsIso", now=NOW)) == "Invalid date"

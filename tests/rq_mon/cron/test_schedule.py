from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rq_mon.cron.schedule import Schedule, check_schedule
from scheduler import cron_constants
from tests.rq_mon.cron import vixie

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def ticks(expression: str, timezone: ZoneInfo, after: str, count: int) -> list[str]:
    found = islice(Schedule(expression, timezone).ticks(at(after)), count)
    return [datetime.fromtimestamp(tick, UTC).strftime("%d %H:%M") for tick in found]


def test_the_next_tick_is_later_than_the_given_time() -> None:
    schedule = Schedule("0 12 * * *", ZoneInfo("UTC"))

    assert schedule.next_tick(at("2025-06-01T11:59:59")) == at("2025-06-01T12:00:00")
    assert schedule.next_tick(at("2025-06-01T12:00:00")) == at("2025-06-02T12:00:00")
    assert schedule.next_tick(at("2025-06-01T12:00:00") + 0.5) == at("2025-06-02T12:00:00")


def test_hours_are_in_the_time_zone() -> None:
    assert ticks("0 12 * * *", NEW_YORK, "2025-07-01T00:00", 1) == ["01 16:00"]
    assert ticks("0 12 * * *", NEW_YORK, "2025-01-01T00:00", 1) == ["01 17:00"]


def test_the_sixth_field_is_seconds() -> None:
    schedule = Schedule("* * * * * */20", ZoneInfo("UTC"))

    assert list(islice(schedule.ticks(at("2025-01-01T00:00:00")), 4)) == [
        at(f"2025-01-01T00:0{time}") for time in ("0:20", "0:40", "1:00", "1:20")
    ]


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        # London skips 01:00 to 02:00 on 30 March 2025, New York 02:00 to 03:00 on 9 March.
        ("30 1 * * *", LONDON, "2025-03-29T12:00", ["30 01:00", "31 00:30"]),
        ("30 1,2 * * *", LONDON, "2025-03-29T12:00", ["30 01:00", "30 01:30", "31 00:30"]),
        ("*/30 * * * *", LONDON, "2025-03-30T00:00", ["30 00:30", "30 01:00", "30 01:30", "30 02:00"]),
        ("0 0 * * *", LONDON, "2025-03-29T12:00", ["30 00:00", "30 23:00"]),
        ("30 2 * * *", NEW_YORK, "2025-03-08T12:00", ["09 07:00", "10 06:30"]),
        ("*/30 * * * *", NEW_YORK, "2025-03-09T06:00", ["09 06:30", "09 07:00", "09 07:30"]),
    ],
)
def test_when_clocks_go_forward_a_skipped_tick_comes_at_the_beginning_of_the_gap(
    expression: str, timezone: ZoneInfo, after: str, expected: list[str]
) -> None:
    assert ticks(expression, timezone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        # Both repeat 01:00 to 02:00: London on 26 October from 01:00 UTC, New York on 2 November from 06:00.
        ("30 1 * * *", LONDON, "2025-10-25T12:00", ["26 00:30", "27 01:30"]),
        ("30 1 * * *", LONDON, "2025-10-26T01:00", ["27 01:30"]),
        ("0 1-2 * * *", LONDON, "2025-10-25T12:00", ["26 00:00", "26 02:00", "27 01:00"]),
        ("0 */2 * * *", LONDON, "2025-10-25T22:00", ["25 23:00", "26 02:00", "26 04:00"]),
        ("*/30 * * * *", LONDON, "2025-10-25T23:45", ["26 00:00", "26 00:30", "26 01:00", "26 01:30"]),
        ("15 * * * *", LONDON, "2025-10-25T23:45", ["26 00:15", "26 01:15", "26 02:15"]),
        ("30 1 * * *", NEW_YORK, "2025-11-01T12:00", ["02 05:30", "03 06:30"]),
        ("*/30 0-23 * * *", NEW_YORK, "2025-11-02T05:15", ["02 05:30", "02 06:00", "02 06:30", "02 07:00"]),
    ],
)
def test_when_clocks_go_back_fixed_hours_tick_once_and_every_hour_keeps_ticking(
    expression: str, timezone: ZoneInfo, after: str, expected: list[str]
) -> None:
    assert ticks(expression, timezone, after, len(expected)) == expected


CHANGES = {
    "Europe/London": ("2025-03-30T01:00", "2025-10-26T01:00"),
    "Europe/Berlin": ("2025-03-30T01:00", "2025-10-26T01:00"),
    "America/New_York": ("2025-03-09T07:00", "2025-11-02T06:00"),
    "America/Sao_Paulo": ("2018-11-04T03:00", "2018-02-18T02:00"),  # at midnight
    "Australia/Lord_Howe": ("2025-10-04T15:30", "2025-04-05T15:00"),  # half an hour
    "Antarctica/Troll": ("2025-03-30T01:00", "2025-10-26T01:00"),  # two hours
    "Antarctica/Casey": (
        "2009-10-17T18:00",
        "2010-03-04T15:00",
    ),  # three hours: the most that is no correction
    "Pacific/Apia": ("2011-12-30T10:00", "2012-03-31T14:00"),  # a day forward
    "Asia/Kathmandu": ("1985-12-31T18:30",),  # a quarter of an hour
    "America/Caracas": ("2007-12-09T07:00",),  # half an hour back
    "Asia/Kolkata": ("2025-03-30T01:00",),  # never
}
"""Hours around which clocks are changed in a time zone, in UTC."""

MINUTES = ("*", "*/20", "*/7", "0", "30", "0,30", "0-59", "15,45", "59", "0-29/10")
HOURS = ("*", "*/2", "*/3", "0-23", "0", "1", "2", "3", "0,1,2,3", "1-2", "23", "0-23/2", "22-23")


@given(
    expression=st.builds("{} {} * * *".format, st.sampled_from(MINUTES), st.sampled_from(HOURS)),
    change=st.sampled_from([(zone, change) for zone, changes in CHANGES.items() for change in changes]),
    minutes_before=st.integers(4 * 60, 7 * 60),
    later=st.integers(-4 * 60, 4 * 60),
)
@settings(max_examples=300)
def test_around_clock_changes_ticks_are_the_same_as_in_vixie_cron(
    expression: str, change: tuple[str, str], minutes_before: int, later: int
) -> None:
    timezone = ZoneInfo(change[0])
    changed_at = int(at(change[1]))
    start, end = changed_at - 60 * minutes_before, changed_at + 8 * 3600
    expected = vixie.runs(expression, timezone, start, end)

    found = takewhile(lambda tick: tick <= end, Schedule(expression, timezone).ticks(start))

    assert list(found) == expected
    asked_at = changed_at + 60 * later  # in the first pass as well as in the second
    following = [tick for tick in expected if tick > asked_at]
    assert not following or Schedule(expression, timezone).next_tick(asked_at) == following[0]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # Berlin repeats 02:00 to 03:00 on 26 October 2025 from 01:00 UTC, and skips it on 30 March then.
        (
            "*/20 2 * * *",
            "Europe/Berlin",
            "2025-10-25T12:00",
            ["26 00:00", "26 00:20", "26 00:40", "26 01:00"],
        ),
        ("0 */2 * * *", "Europe/Berlin", "2025-10-25T23:30", ["26 00:00", "26 01:00", "26 03:00"]),
        ("0 0-23 * * *", "Europe/Berlin", "2025-10-25T23:30", ["26 00:00", "26 02:00", "26 03:00"]),
        ("@hourly", "Europe/Berlin", "2025-10-25T23:30", ["26 00:00", "26 01:00", "26 02:00"]),
        ("@daily", "America/Sao_Paulo", "2018-11-03T12:00", ["04 03:00", "05 02:00"]),
        ("0,20,40 2 * * *", "Europe/Berlin", "2025-03-30T00:00", ["30 01:00", "31 00:00"]),
        ("*/20 2 * * *", "Europe/Berlin", "2025-03-30T00:00", ["31 00:00"]),
        ("30 12 * * *", "Pacific/Apia", "2011-12-29T12:00", ["29 22:30", "30 22:30"]),
        # Seconds, which Vixie's cron does not have, follow the same rules.
        ("* 2 * * * 0,30", "Europe/Berlin", "2025-10-26T00:59", ["26 00:59", "26 01:00", "26 01:00"]),
    ],
)
def test_examples_of_ticks_around_clock_changes(
    expression: str, zone: str, after: str, expected: list[str]
) -> None:
    assert ticks(expression, ZoneInfo(zone), after, len(expected)) == expected


EXPRESSIONS = (
    "*/7 * * * *",
    "30 1 * * *",
    "0 */3 * * *",
    "15 2 * * SUN",
    "0 0 1 * *",
    "* 1 * * *",
    "0 9,17 * * 1-5",
)


@given(
    expression=st.sampled_from(EXPRESSIONS),
    timezone=st.sampled_from([LONDON, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")]),
    after=st.integers(int(at("2025-03-01T00:00")), int(at("2025-11-15T00:00"))),
    later=st.integers(0, 3 * 86400),
)
def test_ticks_do_not_depend_on_when_a_process_looks(
    expression: str, timezone: ZoneInfo, after: int, later: int
) -> None:
    schedule = Schedule(expression, timezone)
    first = schedule.next_tick(after)
    assert first is not None

    assert first > after
    assert schedule.next_tick(min(after + later, first - 1)) == first


@given(
    expression=st.sampled_from(EXPRESSIONS),
    after=st.integers(int(at("2025-03-01T00:00")), int(at("2025-11-15T00:00"))),
    span=st.integers(0, 40 * 86400),
)
def test_no_tick_follows_the_latest_tick_within_the_span(expression: str, after: int, span: int) -> None:
    schedule = Schedule(expression, LONDON)
    latest = schedule.latest_tick(after, after + span)

    if latest is None:
        following = schedule.next_tick(after)
    else:
        assert after < latest <= after + span
        following = schedule.next_tick(latest)
    assert following is not None
    assert following > after + span


@pytest.mark.parametrize(
    "expression", ["*/7 3 * * *", "0 5 13 * fri", "0 5 L * *", "0 5 * * fri#2", "30 2 * * * 5", "@weekly"]
)
def test_schedules_with_the_same_expression_are_independent(expression: str) -> None:
    """It is parsed once for all of them."""
    starts = [(LONDON, "2025-03-29T23:00"), (NEW_YORK, "2025-11-01T12:00"), (LONDON, "2024-02-28T00:00")]
    alone = [ticks(expression, zone, after, 40) for zone, after in starts]

    rows = zip(*(Schedule(expression, zone).ticks(at(after)) for zone, after in starts), strict=False)
    together = [list(column) for column in zip(*islice(rows, 40), strict=True)]

    shown = [
        [datetime.fromtimestamp(tick, UTC).strftime("%d %H:%M") for tick in column] for column in together
    ]
    assert shown == alone
    assert alone[0] != alone[1]


def test_the_latest_tick_of_a_year_of_seconds_is_found_at_once() -> None:
    schedule = Schedule("* * * * * *", ZoneInfo("UTC"))

    assert schedule.latest_tick(at("2024-01-01T00:00"), at("2025-01-01T00:00")) == at("2025-01-01T00:00")


def test_a_schedule_with_a_year_has_a_last_tick() -> None:
    schedule = Schedule("0 0 1 1 * 0 2026", ZoneInfo("UTC"))

    assert schedule.next_tick(at("2025-01-01T00:00")) == at("2026-01-01T00:00")
    assert schedule.next_tick(at("2026-01-01T00:00")) is None


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["*"] * 5])
def test_an_expression_that_is_not_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cron: expected"):
        check_schedule(value, LONDON, after=0)


@given(st.text(alphabet="0123456789*/,-@LW#?HRabcFEBMON ", max_size=25))
def test_any_text_is_a_schedule_or_a_value_error_that_names_it(text: str) -> None:
    now = at("2025-01-01T00:00")
    try:
        message, schedule = "", check_schedule(text, LONDON, after=now)
    except ValueError as error:
        message, schedule = str(error), None

    assert repr(text) in message or (schedule is not None and schedule.next_tick(now) is not None)


HOUR_NAMES = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN")


@pytest.mark.parametrize("name", [name for name in vars(cron_constants) if name.startswith("EVERY_")])
def test_every_constant_is_a_schedule_that_ticks_at_the_hour_of_its_name(name: str) -> None:
    schedule = check_schedule(vars(cron_constants)[name], ZoneInfo("UTC"), after=at("2025-06-04T10:00"))

    tick = schedule.next_tick(at("2025-06-04T10:00"))

    assert tick is not None
    hour = datetime.fromtimestamp(tick, UTC).hour
    if named := re.match(r"EVERY_([A-Z]+)_(?:THIRTY_)?([AP]M)", name):
        assert hour == HOUR_NAMES.index(named[1]) + 1 + 12 * (named[2] == "PM")
    elif name.startswith(("EVERY_MIDNIGHT", "EVERY_WEEK")):
        assert hour == 0


def test_a_week_begins_on_monday_at_midnight() -> None:
    first = Schedule(cron_constants.EVERY_WEEK, ZoneInfo("UTC")).next_tick(at("2025-06-04T10:00"))

    assert first == at("2025-06-09T00:00")


def test_constants_of_durations_are_in_seconds() -> None:
    assert cron_constants.THREE_MINUTES_IN_SECONDS == 180
    assert cron_constants.HALF_DAY_IN_SECONDS == 43200

"""The names of cron expressions say when they are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from croniter import croniter

from scheduler import cron_constants

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = ("MIDNIGHT", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN")
NAMES = [
    *("EVERY_MIDNIGHT", *(f"EVERY_{hour}_AM" for hour in HOURS[1:])),
    *("EVERY_NOON", *(f"EVERY_{hour}_PM" for hour in HOURS[1:])),
]


@pytest.mark.parametrize(("hour", "name"), [*enumerate(NAMES)])
def test_daily_constants_are_due_at_the_hour_in_their_name(hour: int, name: str) -> None:
    due = croniter(getattr(cron_constants, name), MONDAY.replace(minute=1))

    ticks = [due.get_next(datetime) for _ in range(2)]

    day = 3 if hour == 0 else 2
    assert ticks == [MONDAY.replace(day=day, hour=hour), MONDAY.replace(day=day + 1, hour=hour)]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("EVERY_MINUTE", (2, 0, 1), (2, 0, 2)),
        ("EVERY_FIVE_MINUTES", (2, 0, 5), (2, 0, 10)),
        ("EVERY_TEN_MINUTES", (2, 0, 10), (2, 0, 20)),
        ("EVERY_HOUR", (2, 1, 0), (2, 2, 0)),
        ("EVERY_WEEK", (9, 0, 0), (16, 0, 0)),
        ("EVERY_NINE_AM_ON_WEEKDAYS", (2, 9, 0), (3, 9, 0)),
        ("EVERY_EIGHT_PM_ON_SATURDAY", (7, 20, 0), (14, 20, 0)),
        ("EVERY_NINE_PM_ON_SATURDAY", (7, 21, 0), (14, 21, 0)),
        ("EVERY_THREE_AM_ON_TWENTY_THIRD_EACH_MONTH", (23, 3, 0), None),
    ],
)
def test_other_constants_are_due_at_the_times_in_their_name(
    name: str, first: tuple[int, int, int], second: tuple[int, int, int] | None
) -> None:
    due = croniter(getattr(cron_constants, name), MONDAY)

    for day, hour, minute in filter(None, (first, second)):
        assert due.get_next(datetime) == MONDAY.replace(day=day, hour=hour, minute=minute)

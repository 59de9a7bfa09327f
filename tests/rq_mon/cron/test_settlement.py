from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq_mon.cron.schedule import Schedule
from rq_mon.cron.settlement import MAX_COUNTED_TICKS, Settlement, settle

EVERY_MINUTE = Schedule("* * * * *", ZoneInfo("UTC"))
EVERY_SECOND = Schedule("* * * * * *", ZoneInfo("UTC"))
NOON = 1_748_779_200
"""2025-06-01T12:00:00Z"""
MINUTE, HOUR, YEAR = 60, 3600, 365 * 86400


def test_a_tick_on_time_is_run() -> None:
    assert settle(EVERY_MINUTE, NOON, None, now=NOON + 0.2, grace=HOUR) == Settlement(NOON + MINUTE, run=NOON)


def test_the_newest_of_several_ticks_within_grace_runs_and_the_others_are_coalesced() -> None:
    settlement = settle(EVERY_MINUTE, NOON, NOON - MINUTE, now=NOON + 3 * MINUTE + 1, grace=HOUR)

    assert settlement == Settlement(NOON + 4 * MINUTE, run=NOON + 3 * MINUTE, coalesced=3)


def test_ticks_beyond_grace_are_missed() -> None:
    settlement = settle(EVERY_MINUTE, NOON, None, now=NOON + 10 * MINUTE, grace=2 * MINUTE)

    assert settlement == Settlement(NOON + 11 * MINUTE, run=NOON + 10 * MINUTE, coalesced=2, missed=8)


def test_no_tick_runs_if_the_newest_is_beyond_grace() -> None:
    daily = Schedule("0 12 * * *", ZoneInfo("UTC"))

    settlement = settle(daily, NOON, None, now=NOON + 2 * HOUR, grace=HOUR)

    assert settlement == Settlement(NOON + 24 * HOUR, run=None, missed=1)


@pytest.mark.parametrize(("late", "runs"), [(HOUR, True), (HOUR + 1, False)])
def test_a_tick_as_old_as_grace_still_runs(late: int, runs: bool) -> None:
    daily = Schedule("0 12 * * *", ZoneInfo("UTC"))

    assert (settle(daily, NOON, None, now=NOON + late, grace=HOUR).run is not None) == runs


def test_a_tick_that_ran_does_not_run_again() -> None:
    settlement = settle(EVERY_MINUTE, NOON, last_run=NOON + 5 * MINUTE, now=NOON + 1, grace=HOUR)

    assert settlement == Settlement(NOON + 6 * MINUTE)


def test_the_tick_that_ran_last_does_not_run_again() -> None:
    """As after a restore from a backup, when the job of the tick no longer exists."""
    settlement = settle(EVERY_MINUTE, NOON, last_run=NOON, now=NOON + 1, grace=HOUR)

    assert settlement == Settlement(NOON + MINUTE)


def test_the_first_tick_after_the_last_one_runs() -> None:
    settlement = settle(EVERY_MINUTE, NOON, last_run=NOON - 1, now=NOON + 1, grace=HOUR)

    assert settlement == Settlement(NOON + MINUTE, run=NOON)


@pytest.mark.parametrize("beyond", [0, 1, 59, 60])
def test_the_newest_tick_runs_even_if_there_are_more_than_are_counted(beyond: int) -> None:
    """Even if the newest is the first that is no longer counted."""
    now = NOON + MAX_COUNTED_TICKS * MINUTE + beyond

    settlement = settle(EVERY_MINUTE, NOON, None, now=now, grace=HOUR)

    assert settlement.run == now // MINUTE * MINUTE
    assert settlement.next_tick == now // MINUTE * MINUTE + MINUTE


def test_a_year_of_missed_seconds_is_settled_at_once_and_counted_up_to_a_limit() -> None:
    settlement = settle(EVERY_SECOND, NOON, None, now=NOON + YEAR, grace=HOUR)

    assert settlement.run == NOON + YEAR
    assert settlement.next_tick == NOON + YEAR + 1
    assert settlement.missed == MAX_COUNTED_TICKS
    assert settlement.coalesced == 0


def test_a_schedule_that_has_ended_is_not_due_again() -> None:
    once = Schedule("0 12 1 6 * 0 2025", ZoneInfo("UTC"))

    assert settle(once, NOON, None, now=NOON + 1, grace=HOUR) == Settlement(None, run=NOON)


@given(
    late=st.integers(0, (MAX_COUNTED_TICKS - 1) * MINUTE),
    grace=st.integers(0, 2 * HOUR),
)
def test_every_tick_is_run_coalesced_or_missed(late: int, grace: int) -> None:
    settlement = settle(EVERY_MINUTE, NOON, None, now=NOON + late, grace=grace)

    ran = 1 if settlement.run is not None else 0
    assert ran + settlement.coalesced + settlement.missed == late // MINUTE + 1
    assert settlement.next_tick == NOON + (late // MINUTE + 1) * MINUTE
    assert settlement.run is None or settlement.run <= NOON + late <= settlement.run + grace

"""When a cron expression is due, in a time zone.

Where clocks are changed, this follows Vixie's cron, which Linux distributions use. Its man page speaks of
jobs that run at a specific time. Its code means those whose minute and hour do not begin with `*`, as here:

- Clocks go forward: their ticks in the time that is skipped come at once, when it is; several become one.
- Clocks go back: they tick in the first pass through the time that comes twice, and not in the second.
- Other expressions ("*/15 * * * *", "30 * * * *", "*/20 2 * * *") go by what the clock shows: they have no
  ticks in a time that is skipped, and tick in both passes.
- A change of three hours forward, or more than three back, is a correction: all go by what the clock shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

Timestamp = int
"""Unix time in seconds; ticks are whole ones."""

CORRECTION_SECONDS = 3 * 3600
"""A change of the clock by so much, or back by more, is no daylight saving."""

LATEST_TIMESTAMP = 10**11
"""The year 5138: dates end with the year 9999, and the next tick may be decades away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression in a time zone. Its fields are those of cron; a sixth holds seconds."""

    expression: str
    timezone: ZoneInfo

    def next_tick(self, after: float) -> Timestamp | None:
        """Return the first tick later than `after`; None if there is none any more.

        Raises:
            ValueError: the expression cannot be read.
        """
        return _first_tick(self, int(after))

    def ticks(self, after: float) -> Iterator[Timestamp]:
        """Yield all ticks later than `after`."""
        latest, second_passes = int(after), deque[Timestamp]()
        for first, second in self._passes(latest):
            while second_passes and second_passes[0] < first:
                yield (latest := second_passes.popleft())
            if first > latest:
                yield (latest := first)
            if second is not None:
                second_passes.append(second)
        yield from second_passes

    def latest_tick(self, after: float, until: float) -> Timestamp | None:
        """Return the last tick later than `after` and not later than `until`; None if there is none.

        Looks back from `until` over spans that double, so that a year without ticks costs as little as a year
        of one a second.
        """
        span = 1
        while True:
            start = max(after, until - span)
            latest = None
            for tick in self.ticks(start):
                if tick > until:
                    break
                latest = tick
            if latest is not None or start == after:
                return latest
            span *= 2

    def _passes(self, after: Timestamp) -> Iterator[tuple[Timestamp, Timestamp | None]]:
        """Yield when the clock shows each time of the expression, and when it does so again if it goes back.

        The former never decreases. Some of them are not later than `after`.
        """
        evaluation = copy(_parsed(self.expression))
        evaluation.set_current(self._earliest_shown_after(after), force=True)
        is_fixed = not any(field.startswith("*") for field in evaluation.expressions[:2])
        while True:
            try:
                shown = evaluation.get_next(datetime)
            except CroniterBadDateError:  # a year, or the 30th of February
                return
            first, second = self._when(shown)
            if first == second:
                yield first, None
            elif first < second:  # the clock shows it twice
                yield first, None if is_fixed and second - first <= CORRECTION_SECONDS else second
            elif is_fixed and first - second < CORRECTION_SECONDS:  # it is skipped
                yield self._change_between(second, first), None

    def _when(self, shown: datetime) -> tuple[Timestamp, Timestamp]:
        """When the clock shows a time, by its offset before a change and by that after it.

        The two are equal but near a change; the first is later for a time that is skipped.
        """
        first, second = (int(shown.replace(tzinfo=self.timezone, fold=fold).timestamp()) for fold in (0, 1))
        return first, second

    def _earliest_shown_after(self, moment: Timestamp) -> datetime:
        """What the clock shows at `moment`, or before that if it will go back behind it."""
        shown = datetime.fromtimestamp(moment, self.timezone).replace(tzinfo=None, fold=0)
        first, second = self._when(shown)
        return shown - timedelta(seconds=second - first) if first == moment < second else shown

    def _change_between(self, before: Timestamp, after: Timestamp) -> Timestamp:
        """The first second after the clock was changed."""
        offset = datetime.fromtimestamp(after, self.timezone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if datetime.fromtimestamp(middle, self.timezone).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return after


@lru_cache(maxsize=1024)
def _first_tick(schedule: Schedule, after: Timestamp) -> Timestamp | None:
    """Whoever registers cron jobs asks for the same tick again: to check the schedule, and to store it."""
    return next(schedule.ticks(after), None)


def read_timestamp(raw: bytes | float | None) -> Timestamp | None:
    """Return the Unix time that Redis holds, a score or the field of a hash; None if it is none."""
    if raw is None:
        return None
    try:
        timestamp = int(raw)
    except (ValueError, OverflowError):  # no number, or an infinite one
        return None
    return timestamp if 0 <= timestamp <= LATEST_TIMESTAMP else None


def read_schedule(expression: object, timezone: ZoneInfo) -> Schedule:
    """Return the schedule of a cron expression.

    Raises:
        TypeError, ValueError: it is none; the message names it.
    """
    expected = "cron: expected a cron expression such as '*/5 * * * *'"
    if not isinstance(expression, str):
        raise TypeError(f"{expected}, got {expression!r}")
    try:
        _parsed(expression)
    except Exception as error:  # croniter lets errors of its parsing through
        raise ValueError(f"{expected}, got {expression!r}: {error}") from error
    return Schedule(expression, timezone)


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> croniter:
    """Return what evaluates an expression, to be copied: parsing takes longer than finding a tick."""
    return croniter(expression)


def check_schedule(expression: object, timezone: ZoneInfo, after: float) -> Schedule:
    """Return the schedule of a cron expression that has a tick later than `after`.

    Raises:
        TypeError, ValueError: it is no expression, or has no such tick; the message names it.
    """
    schedule = read_schedule(expression, timezone)
    if schedule.next_tick(after) is None:
        raise ValueError(f"cron: expected an expression that is due some time, got {expression!r}")
    return schedule

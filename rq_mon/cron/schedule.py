"""When a cron expression is due, in a time zone.

Around clock changes this follows Vixie's cron, which Linux distributions use. Its man page speaks of jobs
"that run at a specific time". In its code, these are jobs whose minute and hour do not begin with `*`, and
here too:

- Clocks go forward: their ticks in the skipped time run at once, when it is skipped; several become one.
- Clocks go back: they tick in the first pass through the repeated time, and not in the second.
- Other expressions ("*/15 * * * *", "30 * * * *", "*/20 2 * * *") follow the clock: they have no ticks in a
  skipped time, and tick in both passes of a repeated time.
- A change of three hours forward, or more than three back, is a correction: all expressions follow the clock.
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
"""A change of at least this many seconds (more, if back) is a correction, not daylight saving."""

LATEST_TIMESTAMP = 10**11
"""The year 5138: dates end with 9999, and the next tick may be decades away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression in a time zone. Its fields are those of cron; a sixth holds seconds."""

    expression: str
    timezone: ZoneInfo

    def next_tick(self, after: float) -> Timestamp | None:
        """Return the first tick after `after`; None if there are no more.

        Raises:
            ValueError: the expression cannot be read.
        """
        return _first_tick(self, int(after))

    def ticks(self, after: float) -> Iterator[Timestamp]:
        """Yield all ticks after `after`."""
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
        """Return the last tick after `after` and not after `until`; None if there is none.

        It searches back from `until` in spans that double, so that a year without ticks costs as little as a
        year with a tick each second.
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
        """Yield the moments at which the clock shows each time of the expression, and when it shows it again.

        The first moments never decrease. Some of them are not after `after`.
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
            elif first < second:  # a repeated time
                yield first, None if is_fixed and second - first <= CORRECTION_SECONDS else second
            elif is_fixed and first - second < CORRECTION_SECONDS:  # a skipped time
                yield self._change_between(second, first), None

    def _when(self, shown: datetime) -> tuple[Timestamp, Timestamp]:
        """Return when the clock shows a time, by the offsets before and after a change.

        Away from a change the two are equal. For a skipped time the first is later.
        """
        first, second = (int(shown.replace(tzinfo=self.timezone, fold=fold).timestamp()) for fold in (0, 1))
        return first, second

    def _earliest_shown_after(self, moment: Timestamp) -> datetime:
        """Return the clock's time at `moment`, or an earlier one if the clock will go back behind it."""
        shown = datetime.fromtimestamp(moment, self.timezone).replace(tzinfo=None, fold=0)
        first, second = self._when(shown)
        return shown - timedelta(seconds=second - first) if first == moment < second else shown

    def _change_between(self, before: Timestamp, after: Timestamp) -> Timestamp:
        """Return the first second after the clock change."""
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
    """Cached, because registering needs the same tick twice: to check the schedule, and to store it."""
    return next(schedule.ticks(after), None)


def read_timestamp(raw: bytes | float | None) -> Timestamp | None:
    """Return a Unix time from Redis, a score or the field of a hash; None if it is not one."""
    if raw is None:
        return None
    try:
        timestamp = int(raw)
    except (ValueError, OverflowError):  # not a number, or infinite
        return None
    return timestamp if 0 <= timestamp <= LATEST_TIMESTAMP else None


def read_schedule(expression: object, timezone: ZoneInfo) -> Schedule:
    """Return the schedule of a cron expression.

    Raises:
        TypeError, ValueError: the expression is invalid; the message has it.
    """
    expected = "cron: expected a cron expression such as '*/5 * * * *'"
    if not isinstance(expression, str):
        raise TypeError(f"{expected}, got {expression!r}")
    try:
        _parsed(expression)
    except Exception as error:  # croniter raises any error while parsing
        raise ValueError(f"{expected}, got {expression!r}: {error}") from error
    return Schedule(expression, timezone)


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> croniter:
    """Return an iterator over the expression, to be copied: parsing takes longer than finding a tick."""
    return croniter(expression)


def check_schedule(expression: object, timezone: ZoneInfo, after: float) -> Schedule:
    """Return the schedule of a cron expression that has a tick after `after`.

    Raises:
        TypeError, ValueError: the expression is invalid or has no such tick; the message has it.
    """
    schedule = read_schedule(expression, timezone)
    if schedule.next_tick(after) is None:
        raise ValueError(f"cron: expected an expression with a tick in the future, got {expression!r}")
    return schedule

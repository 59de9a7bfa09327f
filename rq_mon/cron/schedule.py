"""When a cron expression is due, in a time zone.

Where clocks are changed, this follows cron (Vixie's, which Linux distributions use):

- Clocks go forward: a tick in the hour that does not exist comes when that hour would have begun.
- Clocks go back: the hour that comes twice has the ticks of a fixed hour ("30 1 * * *") once, in its first
  pass. Expressions for every hour ("*/15 * * * *") go by the time that passes and tick in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

Timestamp = int
"""Unix time in seconds; ticks are whole ones."""

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
        return next(self.ticks(after), None)

    def ticks(self, after: float) -> Iterator[Timestamp]:
        """Yield all ticks later than `after`."""
        evaluation = croniter(self.expression, datetime.fromtimestamp(int(after), self.timezone))
        every_hour = evaluation.expanded[1] == ["*"]
        while True:
            try:
                tick = evaluation.get_next(datetime)
            except CroniterBadDateError:  # a year, or the 30th of February
                return
            if every_hour or not self._is_second_pass(int(tick.timestamp())):
                yield int(tick.timestamp())

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

    def _is_second_pass(self, tick: Timestamp) -> bool:
        return datetime.fromtimestamp(tick, self.timezone).fold == 1


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
        croniter(expression)
    except Exception as error:  # croniter lets errors of its parsing through
        raise ValueError(f"{expected}, got {expression!r}: {error}") from error
    return Schedule(expression, timezone)


def check_schedule(expression: object, timezone: ZoneInfo, after: float) -> Schedule:
    """Return the schedule of a cron expression that has a tick later than `after`.

    Raises:
        TypeError, ValueError: it is no expression, or has no such tick; the message names it.
    """
    schedule = read_schedule(expression, timezone)
    if schedule.next_tick(after) is None:
        raise ValueError(f"cron: expected an expression that is due some time, got {expression!r}")
    return schedule

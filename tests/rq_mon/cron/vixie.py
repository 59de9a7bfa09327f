"""A model of Vixie's cron: when it runs a job while the clocks change.

The loop is that of `main` in cron.c (ISC cron 4.1): once a minute it compares the clock with the minute that
it ran last. The flags are those of entry.c: MIN_STAR and HR_STAR are set if the field begins with `*`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (what a clock shows has no time zone)
MINUTE = timedelta(minutes=1)
HIGHEST = (59, 23, 31, 12, 7)
LOWEST = (0, 0, 1, 1, 0)


def runs(expression: str, timezone: ZoneInfo, start: int, end: int) -> list[int]:
    """Return when it runs, after `start` and until `end`: Unix times of whole minutes."""
    fields = expression.split()
    allowed = [_values(*each) for each in zip(fields, LOWEST, HIGHEST, strict=True)]
    is_wild = fields[0].startswith("*") or fields[1].startswith("*")
    found: list[int] = []

    def find_jobs(now: int, minute: int, *, wild: bool, fixed: bool) -> None:
        if (wild if is_wild else fixed) and _matches(allowed, EPOCH + minute * MINUTE):
            found.append(now)

    virtual = _shown(start, timezone)
    for now in range(start + 60, end + 1, 60):
        running = _shown(now, timezone)
        difference = running - virtual
        if difference == 1 or abs(difference) > 180:
            virtual = running
            find_jobs(now, virtual, wild=True, fixed=True)
        elif difference > 5:
            find_jobs(now, running, wild=True, fixed=False)
            for minute in range(virtual + 1, running + 1):
                find_jobs(now, minute, wild=False, fixed=True)
            virtual = running
        else:
            assert difference <= 0, "no time zone is changed by 2 to 5 minutes"
            find_jobs(now, running, wild=True, fixed=False)
    return sorted(set(found))


def _shown(moment: int, timezone: ZoneInfo) -> int:
    """The time on the clock, in minutes since 1970."""
    shown = datetime.fromtimestamp(moment, timezone).replace(tzinfo=None)
    return (shown - EPOCH) // MINUTE


def _matches(allowed: list[set[int]], shown: datetime) -> bool:
    values = (shown.minute, shown.hour, shown.day, shown.month, shown.isoweekday() % 7)
    return all(value in each for value, each in zip(values, allowed, strict=True))


def _values(field: str, lowest: int, highest: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{lowest}-{highest}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found

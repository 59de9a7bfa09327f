"""What becomes of the ticks of a cron job that are due: run, coalesced into a later one, or missed."""

from __future__ import annotations

from dataclasses import dataclass

from rq_mon.cron.schedule import Schedule, Timestamp

MAX_COUNTED_TICKS = 100
"""After an outage the first 100 overdue ticks of a cron job are counted, and the newest; the rest are not.

Finding a tick takes 50 µs, and a thousand cron jobs may have missed a day of minutes."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How to go on with a cron job that is due."""

    next_tick: Timestamp | None
    """When it is due again; None: never."""
    run: Timestamp | None = None
    """The tick to enqueue a job for."""
    coalesced: int = 0
    missed: int = 0


def settle(
    schedule: Schedule, due: Timestamp, last_run: Timestamp | None, now: float, grace: float
) -> Settlement:
    """Return what to do about a cron job that has been due since `due`.

    After an outage the newest tick that is not older than `grace` runs, and stands for the others within it.

    Args:
        schedule: when the cron job is due.
        due: its first tick that was not settled yet; not later than `now`.
        last_run: the tick that it ran for last. It is not run again, nor is one before it: the clock went
            back, or Redis was restored from a backup.
        now: the Unix time.
        grace: seconds after which a tick is too old to run.
    """
    if last_run is not None and due <= last_run:
        return Settlement(schedule.next_tick(last_run))
    next_tick = schedule.next_tick(due)  # many cron jobs have one schedule, for which it is known already
    if next_tick is None or next_tick > now:
        return _settled([due], next_tick, now, grace)
    overdue = [due]
    for tick in schedule.ticks(due):
        if tick > now:
            return _settled(overdue, tick, now, grace)
        if len(overdue) == MAX_COUNTED_TICKS:
            newest = schedule.latest_tick(tick, now) or tick
            return _settled([*overdue, newest], schedule.next_tick(now), now, grace)
        overdue.append(tick)
    return _settled(overdue, None, now, grace)


def _settled(overdue: list[Timestamp], next_tick: Timestamp | None, now: float, grace: float) -> Settlement:
    in_grace = [tick for tick in overdue if now - tick <= grace]
    return Settlement(
        next_tick,
        run=in_grace[-1] if in_grace else None,
        coalesced=max(0, len(in_grace) - 1),
        missed=len(overdue) - len(in_grace),
    )

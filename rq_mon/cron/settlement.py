"""Decides about the due ticks of a cron job: run, coalesce into a later one, or count as missed."""

from __future__ import annotations

from dataclasses import dataclass

from rq_mon.cron.schedule import Schedule, Timestamp

MAX_COUNTED_TICKS = 100
"""After an outage, the first 100 overdue ticks of a cron job and the newest are counted, not the rest.

Finding a tick takes 50 µs, and a thousand cron jobs may have missed a day of minutes.
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The decision about a due cron job."""

    next_tick: Timestamp | None
    """When it is due next; None: never."""
    run: Timestamp | None = None
    """The tick to enqueue a job for."""
    coalesced: int = 0
    missed: int = 0


def settle(
    schedule: Schedule, due: Timestamp, last_run: Timestamp | None, now: float, grace: float
) -> Settlement:
    """Decide about a cron job that has been due since `due`.

    After an outage, the newest tick that is not older than `grace` runs. The others within `grace` coalesce
    into it.

    Args:
        schedule: when the cron job is due.
        due: its first unsettled tick; not after `now`.
        last_run: the tick that it ran for last. This and earlier ticks do not run again: the clock went back,
            or Redis was restored from a backup.
        now: the Unix time.
        grace: seconds after which a tick is too old to run.
    """
    if last_run is not None and due <= last_run:
        return Settlement(schedule.next_tick(last_run))
    next_tick = schedule.next_tick(due)  # cached: many cron jobs share a schedule
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

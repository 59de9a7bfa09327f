"""Handles a clock of Redis that is set back by hours: cron jobs must not wait until it catches up."""

from __future__ import annotations

import logging
from typing import Any

from rq_mon.catalogue import CRON_LAST_TICKS_KEY, CRON_NEXT_TICKS_KEY
from rq_mon.cron.identity import shown_id
from rq_mon.cron.schedule import CORRECTION_SECONDS, Timestamp
from rq_mon.cron.stored import Stored, read_stored, readable, transaction

logger = logging.getLogger(__name__)


def follow_clock(connection: Any, now: float) -> list[str]:
    """Recompute next ticks after the clock was set back by more than CORRECTION_SECONDS; return their ids.

    The old ticks were computed with the wrong clock. After a smaller step back, the ticks stay and the clock
    catches up, so that nothing runs twice.
    """

    def change(pipeline: Any) -> list[str]:
        later = connection.zrangebyscore(CRON_NEXT_TICKS_KEY, now + CORRECTION_SECONDS, "+inf")
        stored = read_stored(connection, later)
        ticks = {raw_id: _corrected(raw_id, each, now) for raw_id, each in stored.items()}
        pipeline.multi()
        for raw_id, tick in ticks.items():
            if tick is not None:
                pipeline.zadd(CRON_NEXT_TICKS_KEY, {raw_id: tick})
                if (stored[raw_id].last_tick or 0) > now:
                    pipeline.hdel(CRON_LAST_TICKS_KEY, raw_id)  # or it would run no tick before that
        return [shown_id(raw_id) for raw_id, tick in ticks.items() if tick is not None]

    found: list[str] = transaction(connection, change)
    for cron_job_id in found:
        logger.warning(
            "the clock of Redis was set back: computed the next tick of cron_job=%s again", cron_job_id
        )
    return found


def _corrected(raw_id: bytes, stored: Stored, now: float) -> Timestamp | None:
    """Return the next tick of a cron job if the stored one is much later, else None."""
    cron_job = readable(shown_id(raw_id), stored.definition) if stored.definition is not None else None
    if cron_job is None or stored.next_tick is None:
        return None
    tick = cron_job.schedule.next_tick(now)
    return tick if tick is not None and stored.next_tick - tick > CORRECTION_SECONDS else None

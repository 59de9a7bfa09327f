"""Pauses and resumes all workers, as `rq suspend` and `rq resume` do."""

from __future__ import annotations

from typing import Any

from redis import Redis
from rq.suspension import WORKERS_SUSPENDED, suspend

from rq_mon.changes import COUNT_CHANGES, count_changes

_RESUME = f"""
{COUNT_CHANGES}
local removed = redis.call('DEL', KEYS[1])
count_changes('resume', removed)
return removed
"""


def pause_workers(connection: Redis, seconds: int | None = None) -> None:
    """Pause all workers, for this many seconds or until they are resumed."""
    with connection.pipeline() as pipeline:
        suspend(pipeline, seconds)
        count_changes(pipeline, "pause")
        pipeline.execute()


def resume_workers(connection: Redis) -> bool:
    """Resume all workers, and return whether they were paused."""
    return bool(connection.eval(_RESUME, 1, WORKERS_SUSPENDED))


def paused_for(connection: Redis) -> tuple[bool, int | None]:
    """Return whether all workers are paused, and for how many seconds more; None: until they are resumed."""
    left: Any = connection.ttl(WORKERS_SUSPENDED)
    return left != -2, left if left >= 0 else None

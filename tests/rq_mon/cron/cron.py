"""What tests of cron jobs share."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rq_mon import catalogue
from rq_mon.cron.definition import CronJob, define
from tests.scheduler import jobs

NOON = 1_748_779_200
"""2025-06-01T12:00:00Z"""


def cron_job(cron: str = "* * * * *", *args: Any, **options: Any) -> CronJob:
    """Return a cron job that leaves its arguments in Redis."""
    defaults: dict[str, Any] = {
        "queue_name": "queue",
        "timezone": ZoneInfo("UTC"),
        "now": NOON,
        "timeout": 60,
        "cron_job_id": "mine",
    }
    return define(jobs.record, cron, args=args or ("value",), **(defaults | options))


def state(redis_client: Any) -> dict[str, dict[bytes, Any]]:
    """Return all that Redis holds about cron jobs, but for their definitions."""
    return {
        "next": dict(redis_client.zrange(catalogue.CRON_NEXT_TICKS_KEY, 0, -1, withscores=True)),
        "last": redis_client.hgetall(catalogue.CRON_LAST_TICKS_KEY),
        "ticks": redis_client.hgetall(catalogue.CRON_TICKS_KEY),
    }


def make_due(redis_client: Any, cron_job_id: str, tick: int) -> None:
    """Let a cron job be due at `tick`, as it is when its time has come."""
    redis_client.zadd(catalogue.CRON_NEXT_TICKS_KEY, {cron_job_id: tick})


def tick_counts(redis_client: Any, cron_job_id: str = "mine") -> dict[str, int]:
    """Return how many ticks of a cron job had which result."""
    counts = redis_client.hgetall(catalogue.CRON_TICKS_KEY)
    prefix = f"{cron_job_id}:"
    return {
        field.decode().removeprefix(prefix): int(count)
        for field, count in counts.items()
        if field.decode().startswith(prefix)
    }

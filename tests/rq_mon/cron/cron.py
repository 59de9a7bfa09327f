"""Helpers for tests of cron jobs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rq_mon import catalogue
from rq_mon.cron.definition import CronJob, define
from rq_mon.cron.lists import CronList, ListChange
from rq_mon.cron.registry import CronRegistry
from tests.harness import jobs

NOON = 1_748_779_200
"""2025-06-01T12:00:00Z"""


EVERY_SECOND = "CronEntry(id='second', function=jobs.record, function_args=('hunter2',), cron='* * * * * *')"
YEARLY = "CronEntry(id='yearly', function=jobs.add, cron='0 0 1 1 *')"


def with_list(*entries: str) -> tuple[str, str]:
    """Return the command of a cron scheduler with these entries instead of cron_jobs.py."""
    return "-c", (
        "from scheduler.cron.entries import CronEntry\n"
        "from rq_mon.cron.runner import run_cron_scheduler\n"
        "from tests.harness import jobs\n"
        f"run_cron_scheduler([{', '.join(entries)}])"
    )


def cron_job(cron: str = "* * * * *", *args: Any, **options: Any) -> CronJob:
    """Return a cron job that writes its arguments to Redis."""
    defaults: dict[str, Any] = {
        "queue_name": "queue",
        "timezone": ZoneInfo("UTC"),
        "now": NOON,
        "timeout": 60,
        "cron_job_id": "mine",
    }
    return define(jobs.record, cron, args=args or ("value",), **(defaults | options))


def register_list(redis_client: Any, *cron_jobs: CronJob, name: str = "default") -> ListChange:
    """Register a list of cron jobs like a cron scheduler does when it starts."""
    cron_list = CronList(redis_client, name)
    return cron_list.register(cron_jobs, cron_list.new_generation())


def registered(redis_client: Any) -> list[str]:
    """Return the ids of all cron jobs."""
    return CronRegistry(redis_client).ids()


def state(redis_client: Any) -> dict[str, dict[bytes, Any]]:
    """Return everything that Redis has about cron jobs, except their definitions."""
    return {
        "next": dict(redis_client.zrange(catalogue.CRON_NEXT_TICKS_KEY, 0, -1, withscores=True)),
        "last": redis_client.hgetall(catalogue.CRON_LAST_TICKS_KEY),
        "ticks": redis_client.hgetall(catalogue.CRON_TICKS_KEY),
    }


def make_due(redis_client: Any, cron_job_id: str, tick: int) -> None:
    """Make a cron job due at `tick`."""
    redis_client.zadd(catalogue.CRON_NEXT_TICKS_KEY, {cron_job_id: tick})


def tick_counts(redis_client: Any, cron_job_id: str = "mine") -> dict[str, int]:
    """Return the number of ticks of a cron job by result."""
    counts = redis_client.hgetall(catalogue.CRON_TICKS_KEY)
    prefix = f"{cron_job_id}:"
    return {
        field.decode().removeprefix(prefix): int(count)
        for field, count in counts.items()
        if field.decode().startswith(prefix)
    }

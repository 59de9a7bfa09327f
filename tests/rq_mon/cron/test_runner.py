"""How often a cron scheduler looks for due ticks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rq import Queue

from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.runner import CronScheduler
from rq_mon.settings import Settings
from tests.rq_mon.cron.cron import cron_job, make_due, registered


def test_looks_for_due_ticks_each_second_and_at_once_after_enqueuing_some(redis_client: Any) -> None:
    """Others may register cron jobs meanwhile, and one look enqueues only some of the due ticks."""
    scheduler = CronScheduler(Settings.from_environment(), [])
    assert scheduler._look() == 1.0

    CronRegistry(redis_client).register(cron_job("* * * * *"))
    make_due(redis_client, "mine", int(time.time()) + 1000)
    assert scheduler._look() == 1.0

    make_due(redis_client, "mine", int(time.time()) - 10)
    assert scheduler._look() == 0
    assert len(Queue("queue", connection=redis_client).job_ids) == 1


def test_an_older_start_logs_that_it_changed_nothing(
    redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    older, newer = (CronScheduler(Settings.from_environment(), [cron_job(cron_job_id=name)]) for name in "on")
    older._generation = older.list.new_generation()
    newer._register()

    older._register()

    assert registered(redis_client) == ["n"]
    assert caplog.messages == [
        f"cron jobs unchanged: a newer start of list={older.list.name} registered them"
    ]

"""Cron goes by the clock of Redis: a process whose own clock is wrong does no harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from rq import Queue

from proofs.harness.waiting import wait_until
from rq_mon import catalogue, health
from rq_mon.cli.facts import read_facts
from rq_mon.connection.clock import redis_time
from rq_mon.cron.liveness import announce, live_schedulers, scheduler_name
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.runner import CronScheduler
from rq_mon.exporter.snapshot import read_snapshot
from rq_mon.settings import Settings
from rq_mon.state.errors import Errors
from tests.rq_mon.cron.cron import cron_job

HOUR = 3600
REAL_TIME = time.time


@pytest.fixture(params=[2 * HOUR, -2 * HOUR], ids=["ahead", "behind"])
def wrong_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + request.param)


def next_tick(redis_client: Any) -> float:
    return float(redis_client.zscore(catalogue.CRON_NEXT_TICKS_KEY, "mine"))


def test_a_cron_job_is_due_by_the_clock_of_redis(redis_client: Any, wrong_clock: None) -> None:
    CronRegistry(redis_client).register(cron_job("* * * * *"))

    assert 0 < next_tick(redis_client) - REAL_TIME() <= 61


def test_ticks_are_enqueued_in_their_time(redis_client: Any, wrong_clock: None) -> None:
    scheduler = CronScheduler(Settings.from_environment(), [cron_job("* * * * * *")])
    thread = threading.Thread(target=scheduler.run)
    thread.start()

    try:
        wait_until(lambda: len(Queue("queue", connection=redis_client).job_ids) >= 2, "two ticks")
        ticks = [int(job_id.rpartition("-")[2]) for job_id in Queue("queue", connection=redis_client).job_ids]
    finally:
        scheduler.stop()
        thread.join()

    assert all(abs(tick - REAL_TIME()) < 30 for tick in ticks)
    assert abs(next_tick(redis_client) - REAL_TIME()) < 30


READERS: dict[str, Callable[[Any], int | None]] = {
    "live_schedulers": lambda redis: len(live_schedulers(redis)),
    "exporter": lambda redis: read_snapshot(redis, Errors()).cron.live_schedulers,
    "rqmon, its list": lambda redis: len(read_facts(redis).cron_schedulers),
    "rqmon, its count": lambda redis: read_facts(redis).cron.live_schedulers,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("off", [-3600, -60, -12, 0, 12, 60, 3600])
def test_a_reader_whose_clock_is_off_sees_the_same_schedulers(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, reader: str, off: int
) -> None:
    for name in ("alive", "alive-too", "killed"):
        announce(redis_client, name)
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"killed": redis_time(redis_client) - 1})

    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + off)

    assert READERS[reader](redis_client) == 2


@pytest.mark.parametrize("off", [-3600, -12, 0, 12, 3600])
def test_a_health_check_whose_clock_is_off_says_the_same(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + off)
    assert health.main(["--here", "cron"]) == 1
    announce(redis_client, scheduler_name())
    assert health.main(["--here", "cron"]) == 0

    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {scheduler_name(): redis_time(redis_client) - 1})

    assert health.main(["--here", "cron"]) == 1


def test_others_stay_alive(redis_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(redis_client, "right")
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + 2 * HOUR)

    announce(redis_client, "wrong")
    monkeypatch.undo()

    assert sorted(live_schedulers(redis_client)) == ["right", "wrong"]

"""Cron uses the clock of Redis, so a process with a wrong clock does no harm."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from rq import Queue

from proofs.harness.waiting import wait_until
from rq_mon import catalogue, health
from rq_mon.catalogue import OPERATOR_CHANGES_KEY
from rq_mon.cli.facts import read_facts
from rq_mon.connection.clock import redis_time
from rq_mon.cron import runner
from rq_mon.cron.clock_correction import follow_clock
from rq_mon.cron.liveness import announce, scheduler_name
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.runner import CronScheduler
from rq_mon.cron.ticks import TickClaims
from rq_mon.exporter.snapshot import read_snapshot
from rq_mon.settings import Settings
from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import JobMetrics
from rq_mon.state.live import live_schedulers
from rq_mon.state.memory import Memory
from tests.rq_mon.cron.cron import NOON, cron_job, make_due
from tests.rq_mon.cron.intruder import before_exec

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


def test_ticks_are_enqueued_on_time(
    redis_client: Any, wrong_clock: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
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
    of_itself = [message for message in caplog.messages if scheduler.name in message]
    assert of_itself == [f"{scheduler.name} started", f"{scheduler.name} stopped"]


# ---- the clock of Redis itself is set back ----


@pytest.mark.parametrize(
    ("cron", "set_back", "expected"),
    [
        ("* * * * *", 4 * HOUR, NOON - 4 * HOUR + 60),
        ("* * * * *", 3 * HOUR, NOON + 60),  # it catches up
        ("0 12 * * *", 4 * HOUR, NOON),
        ("0 12 * * *", 26 * HOUR, NOON - 24 * HOUR),
        ("0 12 1 1 *", 4 * HOUR, 1_767_268_800),  # the same 1 January
        ("0 12 1 1 *", 365 * 24 * HOUR, 1_735_732_800),
    ],
)
def test_a_clock_set_back_by_more_than_three_hours_is_followed_at_once(
    redis_client: Any, cron: str, set_back: int, expected: int
) -> None:
    CronRegistry(redis_client).register(cron_job(cron))
    make_due(redis_client, "mine", NOON)
    TickClaims(redis_client, grace=3600).claim(NOON)

    follow_clock(redis_client, NOON - set_back)

    assert next_tick(redis_client) == expected


def test_a_last_tick_in_the_past_is_kept(redis_client: Any) -> None:
    CronRegistry(redis_client).register(cron_job("0 12 * * *"))
    redis_client.hset(catalogue.CRON_LAST_TICKS_KEY, "mine", NOON - 48 * HOUR)
    make_due(redis_client, "mine", NOON + 24 * HOUR)

    assert follow_clock(redis_client, NOON - HOUR) == ["mine"]

    assert next_tick(redis_client) == NOON
    assert redis_client.hget(catalogue.CRON_LAST_TICKS_KEY, "mine") == b"%d" % (NOON - 48 * HOUR)


def test_cron_jobs_run_after_the_clock_was_set_back(redis_client: Any) -> None:
    CronRegistry(redis_client).register(cron_job())
    make_due(redis_client, "mine", NOON)
    claims = TickClaims(redis_client, grace=3600)
    claims.claim(NOON)

    assert follow_clock(redis_client, NOON - 4 * HOUR) == ["mine"]
    claims.claim(NOON - 4 * HOUR + 60)

    ids = Queue("queue", connection=redis_client).job_ids
    assert ids == [f"mine-{NOON}", f"mine-{NOON - 4 * HOUR + 60}"]
    assert follow_clock(redis_client, NOON - 4 * HOUR + 60) == []


def test_following_the_clock_changes_no_paused_or_unreadable_cron_job(redis_client: Any) -> None:
    CronRegistry(redis_client).register(cron_job())
    CronRegistry(redis_client).pause("mine")
    redis_client.hset(catalogue.CRON_JOBS_KEY, "broken", "{")
    make_due(redis_client, "broken", NOON)

    assert follow_clock(redis_client, NOON - 24 * HOUR) == []


def test_a_cron_job_cancelled_while_the_clock_is_followed_stays_cancelled(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    CronRegistry(redis_client).register(cron_job())
    make_due(redis_client, "mine", NOON)
    happened = before_exec(monkeypatch, lambda: CronRegistry(redis_client).cancel("mine"))

    assert follow_clock(redis_client, NOON - 24 * HOUR) == []
    assert happened()
    assert redis_client.keys("*") == [OPERATOR_CHANGES_KEY.encode()]


@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
def test_a_scheduler_follows_a_clock_that_was_set_back(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    ahead, registry = 24 * HOUR, CronRegistry(redis_client)
    registry.register(cron_job("* * * * * *"))
    offset = [ahead if when == "while it runs" else 0]
    monkeypatch.setattr(runner, "redis_time", lambda redis: redis_time(redis) + offset[0])
    followed: list[list[str]] = []
    monkeypatch.setattr(runner, "follow_clock", lambda redis, now: followed.append(follow_clock(redis, now)))
    make_due(redis_client, "mine", int(REAL_TIME()) + ahead)
    scheduler = CronScheduler(Settings.from_environment(), [])
    thread = threading.Thread(target=scheduler.run)
    thread.start()

    def ticks() -> list[int]:
        ids = Queue("queue", connection=redis_client).job_ids
        return [int(job_id.rpartition("-")[2]) for job_id in ids]

    try:
        if when == "while it runs":
            wait_until(ticks, "a tick by the clock that is ahead")
            offset[0] = 0
        wait_until(lambda: [tick for tick in ticks() if tick < REAL_TIME() + 60], "a tick in its time")
    finally:
        scheduler.stop()
        thread.join()

    assert followed == ([[], ["mine"]] if when == "while it runs" else [["mine"]])


READERS: dict[str, Callable[[Any], int]] = {
    "live_schedulers": lambda redis: len(live_schedulers(redis)),
    "exporter": lambda redis: len(
        read_snapshot(redis, JobMetrics(), Memory(), Errors()).cron.live_schedulers or ()
    ),
    "rqmon": lambda redis: len(read_facts(redis).cron_schedulers),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("off", [-3600, -60, -12, 0, 12, 60, 3600])
def test_a_reader_with_a_wrong_clock_sees_the_same_schedulers(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, reader: str, off: int
) -> None:
    for name in ("alive", "alive-too", "killed"):
        announce(redis_client, name)
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"killed": redis_time(redis_client) - 1})

    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + off)

    assert READERS[reader](redis_client) == 2


@pytest.mark.parametrize("off", [-3600, -12, 0, 12, 3600])
def test_a_health_check_with_a_wrong_clock_gives_the_same_result(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + off)
    assert health.main(["--here", "cron"]) == 1
    announce(redis_client, scheduler_name())
    assert health.main(["--here", "cron"]) == 0

    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {scheduler_name(): redis_time(redis_client) - 1})

    assert health.main(["--here", "cron"]) == 1


def test_a_scheduler_with_a_wrong_clock_does_not_expire_the_others(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(redis_client, "right")
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + 2 * HOUR)

    announce(redis_client, "wrong")
    monkeypatch.undo()

    assert sorted(live_schedulers(redis_client)) == ["right", "wrong"]

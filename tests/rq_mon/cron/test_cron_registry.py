from __future__ import annotations

import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rq import Queue, SimpleWorker
from rq.job import JobStatus

from rq_mon import catalogue
from rq_mon.cron.extra_run import enqueue_now
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from tests.rq_mon.cron.cron import cron_job, make_due, register_list, state, tick_counts


def run_once(redis_client: Any, tick: int) -> None:
    make_due(redis_client, "mine", tick)
    TickClaims(redis_client, grace=3600).claim(tick)


def test_a_cron_job_is_due_at_its_next_tick_and_its_counters_exist(
    registry: CronRegistry, redis_client: Any
) -> None:
    now = time.time()
    registry.register(cron_job("*/5 * * * *"))

    (tick,) = state(redis_client)["next"].values()
    assert now < tick <= now + 300
    assert tick % 300 == 0
    assert tick_counts(redis_client) == {"enqueued": 0, "coalesced": 0, "missed": 0, "failed": 0}


def test_registering_an_unchanged_cron_job_changes_nothing(registry: CronRegistry, redis_client: Any) -> None:
    registry.register(cron_job())
    run_once(redis_client, int(time.time()) // 60 * 60)
    before = state(redis_client)

    registry.register(cron_job())

    assert state(redis_client) == before


def test_registering_does_not_lose_a_due_tick(registry: CronRegistry, redis_client: Any) -> None:
    registry.register(cron_job())
    due = int(time.time()) - 30
    make_due(redis_client, "mine", due)

    register_list(redis_client, cron_job())

    assert state(redis_client)["next"] == {b"mine": due}


@pytest.mark.parametrize("changes", [{"cron": "0 0 1 1 *"}, {"timezone": "Asia/Kolkata"}])
def test_a_new_schedule_moves_the_next_tick_and_keeps_the_counters(
    registry: CronRegistry, redis_client: Any, changes: dict[str, str]
) -> None:
    registry.register(cron_job("0 12 * * *"))
    run_once(redis_client, int(time.time()) // 60 * 60)
    before = state(redis_client)

    timezone = ZoneInfo(changes.get("timezone", "UTC"))
    registry.register(cron_job(changes.get("cron", "0 12 * * *"), timezone=timezone))

    after = state(redis_client)
    assert after["next"] != before["next"]
    assert (after["last"], after["ticks"]) == (before["last"], before["ticks"])


def test_a_new_schedule_does_not_run_the_last_tick_again(registry: CronRegistry, redis_client: Any) -> None:
    """The clock of the registering process may be behind."""
    registry.register(cron_job())
    last = (int(time.time()) // 60 + 10) * 60
    run_once(redis_client, last)

    registry.register(cron_job("* * * * * *"))

    assert state(redis_client)["next"] == {b"mine": last + 1}


def test_a_new_description_replaces_the_old_one(registry: CronRegistry) -> None:
    registry.register(cron_job(description="old"))
    registry.register(cron_job(description="new"))

    assert [job.description for job in registry.cron_jobs()] == ["new"]


def write_foreign(redis_client: Any, key: str, cron_job_id: bytes, value: Any) -> None:
    if key == catalogue.CRON_NEXT_TICKS_KEY:
        redis_client.zadd(key, {cron_job_id: value})
    else:
        redis_client.hset(key, cron_job_id, value)


FOREIGN = [
    (catalogue.CRON_JOBS_KEY, b"\xff", b"{"),
    (catalogue.CRON_NEXT_TICKS_KEY, b"\xff", 1.0),
    (catalogue.CRON_NEXT_TICKS_KEY, b"mine", "inf"),
    (catalogue.CRON_NEXT_TICKS_KEY, b"mine", "-inf"),
    (catalogue.CRON_LAST_TICKS_KEY, b"\xff", b"1"),
    (catalogue.CRON_LAST_TICKS_KEY, b"mine", b"yesterday"),
    (catalogue.CRON_LAST_TICKS_KEY, b"mine", b"\xff"),
    (catalogue.CRON_LAST_TICKS_KEY, b"mine", b"9" * 20),
]


@pytest.mark.parametrize(("key", "cron_job_id", "value"), FOREIGN)
def test_invalid_ids_and_times_do_not_block_other_ticks(
    registry: CronRegistry, redis_client: Any, key: str, cron_job_id: bytes, value: Any
) -> None:
    tick = int(time.time()) // 60 * 60
    registry.register(cron_job())
    make_due(redis_client, "mine", tick)
    write_foreign(redis_client, key, cron_job_id, value)

    TickClaims(redis_client, grace=3600).claim(tick)
    run_once(redis_client, tick)

    assert tick_counts(redis_client)["enqueued"] == 1
    assert state(redis_client)["next"][b"mine"] == tick + 60


@pytest.mark.parametrize("cron", ["* * * * *", "* * * * * *"])
@pytest.mark.parametrize(("key", "cron_job_id", "value"), FOREIGN)
def test_invalid_ids_and_times_are_replaced(
    registry: CronRegistry, redis_client: Any, key: str, cron_job_id: bytes, value: Any, cron: str
) -> None:
    before = time.time()
    registry.register(cron_job())
    write_foreign(redis_client, key, cron_job_id, value)

    register_list(redis_client, cron_job(cron))
    TickClaims(redis_client, grace=3600).claim(before)

    assert [job.id for job in registry.cron_jobs()] == ["mine"]
    assert state(redis_client)["next"].keys() == {b"mine"}
    assert before < state(redis_client)["next"][b"mine"] <= time.time() + 60


def test_registering_restores_a_lost_next_tick(registry: CronRegistry, redis_client: Any) -> None:
    registry.register(cron_job())
    redis_client.delete(catalogue.CRON_NEXT_TICKS_KEY)

    registry.register(cron_job())

    assert state(redis_client)["next"].keys() == {b"mine"}


def test_cancelling_a_cron_job_removes_everything_of_it(registry: CronRegistry, redis_client: Any) -> None:
    registry.register(cron_job())
    run_once(redis_client, int(time.time()) // 60 * 60)
    registry.register(cron_job(cron_job_id="stays"))

    assert registry.cancel("mine")
    assert not registry.cancel("mine")
    assert [job.id for job in registry.cron_jobs()] == ["stays"]
    assert b"mine" not in b"".join(redis_client.hkeys(catalogue.CRON_TICKS_KEY))
    assert state(redis_client)["last"] == {}


def test_an_unreadable_definition_is_left_out_and_kept(
    registry: CronRegistry, redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry.register(cron_job())
    redis_client.hset(catalogue.CRON_JOBS_KEY, "broken", "{")

    assert [job.id for job in registry.cron_jobs()] == ["mine"]
    assert registry.count() == 2
    assert "cron_job=broken" in caplog.text


# ---- paused ----


def test_a_paused_cron_job_stays_paused_when_it_is_registered_again(
    registry: CronRegistry, redis_client: Any
) -> None:
    registry.register(cron_job())

    assert registry.pause("mine")
    register_list(redis_client, cron_job("*/5 * * * *"))  # like a starting cron scheduler

    assert state(redis_client)["next"] == {}
    assert not registry.pause("mine")


def test_a_resumed_cron_job_is_due_in_the_future_and_has_no_missed_ticks(
    registry: CronRegistry, redis_client: Any
) -> None:
    registry.register(cron_job())
    make_due(redis_client, "mine", int(time.time()) - 7200)
    registry.pause("mine")

    now = time.time()
    assert registry.resume("mine")

    (tick,) = state(redis_client)["next"].values()
    assert now < tick <= now + 61
    assert TickClaims(redis_client, grace=3600).claim(now) == []
    assert tick_counts(redis_client) == {"enqueued": 0, "coalesced": 0, "missed": 0, "failed": 0}
    assert not registry.resume("mine")


def test_a_cancelled_cron_job_is_not_paused_when_it_is_registered_again(
    registry: CronRegistry, redis_client: Any
) -> None:
    registry.register(cron_job())
    registry.pause("mine")

    registry.cancel("mine")
    registry.register(cron_job())

    assert state(redis_client)["next"].keys() == {b"mine"}


def test_an_unregistered_cron_job_cannot_be_paused(registry: CronRegistry, redis_client: Any) -> None:
    assert not registry.pause("mine")

    assert not redis_client.exists(catalogue.CRON_PAUSED_KEY)


def test_running_a_cron_job_now_does_not_change_its_ticks(registry: CronRegistry, redis_client: Any) -> None:
    registry.register(cron_job())
    before = state(redis_client)

    first, second = (enqueue_now(redis_client, cron_job()) for _ in range(2))

    assert state(redis_client) == before
    queue = Queue("queue", connection=redis_client)
    assert queue.job_ids == [first.id, second.id]
    SimpleWorker([queue], connection=redis_client).work(burst=True)
    assert [job.get_status() for job in (first, second)] == [JobStatus.FINISHED] * 2


def test_registering_one_cron_job_does_not_read_the_others(registry: CronRegistry, redis_client: Any) -> None:
    def bytes_read(names: list[str]) -> int:
        before = redis_client.info("stats")["total_net_output_bytes"]
        for name in names:
            registry.register(cron_job("*/5 * * * *", cron_job_id=name))
        return int(redis_client.info("stats")["total_net_output_bytes"] - before)

    of_the_first = bytes_read([f"first-{number}" for number in range(10)])
    bytes_read([f"other-{number}" for number in range(150)])

    assert bytes_read([f"later-{number}" for number in range(10)]) < of_the_first * 1.5

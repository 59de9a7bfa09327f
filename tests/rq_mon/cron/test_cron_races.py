"""Concurrent changes: what another process writes between the reads and the EXEC of a transaction stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rq import Queue

from rq_mon import catalogue
from rq_mon.catalogue import OPERATOR_CHANGES_KEY
from rq_mon.cron.lists import CronList
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from rq_mon.state.cron_owners import Owners
from tests.rq_mon.cron.cron import cron_job, make_due, register_list, registered, state, tick_counts
from tests.rq_mon.cron.intruder import before_exec

MINUTE = 60

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    """Sets what happens during the next transaction; the test fails if it does not happen."""
    happened: list[Callable[[], bool]] = []
    yield lambda intrude: happened.append(before_exec(monkeypatch, intrude))
    assert [each() for each in happened] == [True]


@pytest.fixture
def due(registry: CronRegistry, redis_client: Any) -> int:
    """The tick at which a registered cron job was due, half a minute ago."""
    registry.register(cron_job())
    tick = int(time.time()) - 30
    make_due(redis_client, "mine", tick)
    return tick


def queued(redis_client: Any, name: str = "queue") -> list[str]:
    return Queue(name, connection=redis_client).job_ids


# ---- registering ----


@pytest.mark.parametrize("how", ["at run time", "on a list"])
def test_registering_a_cron_job_does_not_restore_a_tick_claimed_meanwhile(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, meanwhile: Meanwhile, due: int, how: str
) -> None:
    meanwhile(lambda: claims.claim(due))

    if how == "on a list":
        register_list(redis_client, cron_job())
    else:
        registry.register(cron_job())
    claims.claim(due)

    assert queued(redis_client) == [f"mine-{due}"]
    assert state(redis_client)["next"][b"mine"] > due
    assert tick_counts(redis_client)["enqueued"] == 1


@pytest.mark.parametrize("how", ["at run time", "on a list"])
def test_a_cron_job_paused_while_it_is_registered_stays_paused(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int, how: str
) -> None:
    cron_list = CronList(redis_client, "default")
    generation = cron_list.new_generation()
    redis_client.zrem(catalogue.CRON_NEXT_TICKS_KEY, "mine")
    meanwhile(lambda: redis_client.hset(catalogue.CRON_PAUSED_KEY, "mine", due))  # nothing else shows this

    if how == "on a list":
        cron_list.register([cron_job("*/5 * * * *")], generation)
    else:
        registry.register(cron_job("*/5 * * * *"))

    assert state(redis_client)["next"] == {}


def test_registering_does_not_restore_an_older_next_tick(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: make_due(redis_client, "mine", due + 3 * MINUTE))

    registry.register(cron_job(description="another"))

    assert state(redis_client)["next"] == {b"mine": due + 3 * MINUTE}


def test_registering_at_run_time_and_on_a_list_at_the_same_time_keeps_both_owners(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: register_list(redis_client, cron_job()))

    registry.register(cron_job())
    register_list(redis_client)

    assert registered(redis_client) == ["mine"]


def test_a_cron_job_registered_at_run_time_while_it_leaves_a_list_stays(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile
) -> None:
    register_list(redis_client, cron_job(), cron_job(cron_job_id="leaves"))
    cron_list = CronList(redis_client, "default")
    generation = cron_list.new_generation()
    meanwhile(lambda: registry.register(cron_job()))

    change = cron_list.register([], generation)

    assert change.cancelled == ["leaves"]
    assert registered(redis_client) == ["mine"]
    assert state(redis_client)["next"].keys() == {b"mine"}


def test_registering_a_list_does_not_restore_older_owners(redis_client: Any, meanwhile: Meanwhile) -> None:
    register_list(redis_client, cron_job(), cron_job(cron_job_id="leaves"))
    cron_list = CronList(redis_client, "default")
    generation = cron_list.new_generation()
    run_time = Owners().with_run_time().to_json()
    meanwhile(lambda: redis_client.hset(catalogue.CRON_OWNERS_KEY, "mine", run_time))

    assert cron_list.register([], generation).cancelled == ["leaves"]
    assert registered(redis_client) == ["mine"]


def test_a_list_changes_nothing_if_a_newer_one_is_registered_meanwhile(
    redis_client: Any, meanwhile: Meanwhile
) -> None:
    cron_list = CronList(redis_client, "default")
    generation = cron_list.new_generation()
    meanwhile(lambda: register_list(redis_client, cron_job(cron_job_id="new"), cron_job(cron_job_id="both")))

    change = cron_list.register([cron_job(cron_job_id="old"), cron_job(cron_job_id="both")], generation)

    assert not change.is_newest
    assert registered(redis_client) == ["both", "new"]


def test_two_schedulers_starting_at_once_have_different_generations(
    redis_client: Any, meanwhile: Meanwhile
) -> None:
    redis_client.hset(catalogue.CRON_LISTS_KEY, "default", 10**17)  # ahead of the clock
    first: list[int] = []
    meanwhile(lambda: first.append(CronList(redis_client, "default").new_generation()))

    second = CronList(redis_client, "default").new_generation()

    assert (*first, second) == (10**17 + 1, 10**17 + 2)


# ---- claiming ----


def test_a_cron_job_changed_while_its_tick_is_claimed_runs_as_changed(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: registry.register(cron_job("* * * * *", "changed", queue_name="another")))

    (job,) = claims.claim(due)

    assert queued(redis_client) == []
    assert queued(redis_client, "another") == [job.id]
    assert job.args == ("changed",)


@pytest.mark.parametrize("change", ["pause", "cancel"])
def test_a_cron_job_cancelled_or_paused_while_its_tick_is_claimed_does_not_run(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, meanwhile: Meanwhile, due: int, change: str
) -> None:
    meanwhile(lambda: getattr(registry, change)("mine"))

    assert claims.claim(due) == []

    assert queued(redis_client) == []
    assert state(redis_client)["next"] == {}
    assert tick_counts(redis_client) == (
        {} if change == "cancel" else dict.fromkeys(catalogue.TICK_RESULTS, 0)
    )


def test_a_cron_job_leaving_its_list_while_its_tick_is_claimed_does_not_run(
    claims: TickClaims, redis_client: Any, meanwhile: Meanwhile
) -> None:
    register_list(redis_client, cron_job(), cron_job(cron_job_id="stays"))
    tick = int(time.time()) - 30
    for each in ("mine", "stays"):
        make_due(redis_client, each, tick)
    meanwhile(lambda: register_list(redis_client, cron_job(cron_job_id="stays")))

    claims.claim(tick)

    assert queued(redis_client) == [f"stays-{tick}"]
    assert state(redis_client)["last"].keys() == {b"stays"}


def test_a_tick_claimed_by_another_scheduler_meanwhile_is_left_to_it(
    claims: TickClaims, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: TickClaims(redis_client, grace=3600).claim(due))

    assert claims.claim(due) == []
    assert queued(redis_client) == [f"mine-{due}"]
    assert tick_counts(redis_client)["enqueued"] == 1


def test_a_cron_job_registered_while_another_tick_is_claimed_is_kept(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: registry.register(cron_job(cron_job_id="new")))

    claims.claim(due)

    assert registered(redis_client) == ["mine", "new"]
    assert state(redis_client)["next"].keys() == {b"mine", b"new"}
    assert queued(redis_client) == [f"mine-{due}"]


# ---- pausing and cancelling ----


def test_pausing_a_cron_job_that_is_cancelled_meanwhile_leaves_nothing_behind(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: registry.cancel("mine"))

    assert not registry.pause("mine")
    assert redis_client.keys("*") == [OPERATOR_CHANGES_KEY.encode()]
    assert redis_client.hgetall(OPERATOR_CHANGES_KEY) == {b"cron_cancel": b"1"}


def test_resuming_a_cron_job_that_is_cancelled_meanwhile_leaves_nothing_behind(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    registry.pause("mine")
    meanwhile(lambda: registry.cancel("mine"))

    assert not registry.resume("mine")
    assert redis_client.keys("*") == [OPERATOR_CHANGES_KEY.encode()]
    assert redis_client.hgetall(OPERATOR_CHANGES_KEY) == {b"cron_pause": b"1", b"cron_cancel": b"1"}


def test_a_resumed_cron_job_follows_a_schedule_that_changes_meanwhile(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    registry.pause("mine")
    yearly = cron_job("0 0 1 1 *")
    meanwhile(lambda: redis_client.hset(catalogue.CRON_JOBS_KEY, "mine", yearly.to_json()))

    registry.resume("mine")

    assert state(redis_client)["next"] == {b"mine": yearly.schedule.next_tick(time.time())}


def test_cancelling_all_includes_a_cron_job_registered_meanwhile(
    registry: CronRegistry, redis_client: Any, meanwhile: Meanwhile, due: int
) -> None:
    meanwhile(lambda: registry.register(cron_job(cron_job_id="new")))

    assert registry.cancel_all() == ["mine", "new"]
    assert redis_client.keys("*") == []

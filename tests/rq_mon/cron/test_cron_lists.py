"""Lists of cron jobs: what a starting scheduler cancels, and what it keeps."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rq_mon import catalogue
from rq_mon.cron.definition import CronJob
from rq_mon.cron.lists import CronList, ListChange
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from tests.rq_mon.cron.cron import cron_job, make_due, register_list, registered, state, tick_counts


def named(*ids: str) -> list[CronJob]:
    return [cron_job(cron_job_id=each) for each in ids]


def register_as_before_lists_had_names(redis_client: Any, *ids: str) -> None:
    """Write what versions without named lists wrote."""
    for each in named(*ids):
        CronRegistry(redis_client).register(each)
    redis_client.delete(catalogue.CRON_OWNERS_KEY)


def run_once(redis_client: Any, tick: int) -> None:
    make_due(redis_client, "mine", tick)
    TickClaims(redis_client, grace=3600).claim(tick)


def test_a_new_generation_cancels_the_cron_jobs_that_left_the_list(redis_client: Any) -> None:
    register_list(redis_client, *named("mine", "leaves", "leaves-too"))
    run_once(redis_client, int(time.time()) // 60 * 60)
    before = state(redis_client)

    change = register_list(redis_client, *named("mine", "comes"))

    after = state(redis_client)
    assert change == ListChange(cancelled=["leaves", "leaves-too"])
    assert registered(redis_client) == ["comes", "mine"]
    assert after["next"][b"mine"] == before["next"][b"mine"]
    assert after["last"] == before["last"]
    assert tick_counts(redis_client)["enqueued"] == 1
    assert tick_counts(redis_client, "leaves") == {}


def test_an_empty_list_cancels_all_its_cron_jobs(redis_client: Any) -> None:
    register_list(redis_client, *named("one", "two"))

    register_list(redis_client)

    assert redis_client.keys("*") == [catalogue.CRON_LISTS_KEY.encode()]


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_cron_job_registered_at_run_time_stays(
    registry: CronRegistry, redis_client: Any, order: str
) -> None:
    if order == "before":
        registry.register(cron_job())
    register_list(redis_client, *named("listed", "leaves"))
    if order == "after":
        registry.register(cron_job())

    for _ in range(2):
        change = register_list(redis_client, *named("listed"))

    assert registered(redis_client) == ["listed", "mine"]
    assert change.unclaimed == []


@pytest.mark.parametrize("order", ["run time first", "list first"])
def test_a_cron_job_registered_at_run_time_stays_when_it_leaves_a_list(
    registry: CronRegistry, redis_client: Any, order: str
) -> None:
    if order == "run time first":
        registry.register(cron_job())
    register_list(redis_client, *named("mine", "leaves"))
    if order == "list first":
        registry.register(cron_job())

    assert register_list(redis_client).cancelled == ["leaves"]
    assert registered(redis_client) == ["mine"]


def test_two_lists_do_not_affect_each_other(redis_client: Any) -> None:
    register_list(redis_client, *named("a1", "a2"), name="a")
    register_list(redis_client, *named("b1", "b2", "b3"), name="b")

    register_list(redis_client, *named("a1"), name="a")
    assert registered(redis_client) == ["a1", "b1", "b2", "b3"]
    register_list(redis_client, *named("b2", "b3"), name="b")
    assert registered(redis_client) == ["a1", "b2", "b3"]


@pytest.mark.parametrize("leaves_first", ["a", "b"])
def test_a_cron_job_on_two_lists_is_cancelled_once_it_has_left_both(
    redis_client: Any, leaves_first: str
) -> None:
    for name in ("a", "b"):
        register_list(redis_client, *named("shared", name), name=name)

    assert register_list(redis_client, name=leaves_first).cancelled == [leaves_first]
    assert "shared" in registered(redis_client)
    (other,) = {"a", "b"} - {leaves_first}
    assert register_list(redis_client, name=other).cancelled == [other, "shared"]


def test_an_older_generation_changes_nothing(redis_client: Any) -> None:
    cron_list = CronList(redis_client, "default")
    old, new = cron_list.new_generation(), cron_list.new_generation()
    cron_list.register(named("both", "old"), old)
    cron_list.register(named("both", "new"), new)
    before = {key: redis_client.dump(key) for key in redis_client.keys("*")}

    assert cron_list.register(named("both", "old"), old) == ListChange(is_newest=False)

    assert {key: redis_client.dump(key) for key in redis_client.keys("*")} == before


def test_an_older_generation_registers_nothing_before_the_newer_one_does(redis_client: Any) -> None:
    cron_list = CronList(redis_client, "default")
    old, new = cron_list.new_generation(), cron_list.new_generation()

    assert not cron_list.register(named("old"), old).is_newest
    cron_list.register(named("new"), new)

    assert registered(redis_client) == ["new"]


def test_a_rollback_is_a_new_generation(redis_client: Any) -> None:
    register_list(redis_client, *named("both", "old"))
    register_list(redis_client, *named("both", "new"))

    assert register_list(redis_client, *named("both", "old")).cancelled == ["new"]
    assert registered(redis_client) == ["both", "old"]


def test_registering_a_generation_twice_changes_nothing(redis_client: Any) -> None:
    cron_list = CronList(redis_client, "default")
    generation = cron_list.new_generation()
    cron_list.register(named("one", "two"), generation)
    before = {key: redis_client.dump(key) for key in redis_client.keys("*")}

    cron_list.register(named("one", "two"), generation)

    assert {key: redis_client.dump(key) for key in redis_client.keys("*")} == before


# ---- Redis has lost its data ----


@pytest.mark.parametrize("first", ["old", "new"])
def test_after_a_flush_the_newest_generation_wins_in_any_order(redis_client: Any, first: str) -> None:
    cron_list = CronList(redis_client, "default")
    generations = {"old": cron_list.new_generation(), "new": cron_list.new_generation()}
    (second,) = generations.keys() - {first}

    redis_client.flushall()
    for each in (first, second):
        cron_list.register(named("both", each), generations[each])

    assert registered(redis_client) == ["both", "new"]


def test_a_process_that_starts_after_a_flush_is_newer_than_those_before_it(redis_client: Any) -> None:
    cron_list = CronList(redis_client, "default")
    before = cron_list.new_generation()

    redis_client.flushall()
    cron_list.register(named("both", "new"), cron_list.new_generation())
    cron_list.register(named("both", "old"), before)

    assert registered(redis_client) == ["both", "new"]


def test_a_generation_is_newer_even_if_the_clock_of_redis_went_back(redis_client: Any) -> None:
    ahead = 10**17
    redis_client.hset(catalogue.CRON_LISTS_KEY, "default", ahead)

    assert CronList(redis_client, "default").new_generation() == ahead + 1
    assert CronList(redis_client, "another").new_generation() < ahead


@pytest.mark.parametrize("stored", [b"", b"many", b"-1", b"\xff"])
def test_a_generation_that_cannot_be_read_is_replaced(redis_client: Any, stored: bytes) -> None:
    redis_client.hset(catalogue.CRON_LISTS_KEY, "default", stored)

    register_list(redis_client, *named("one", "two"))

    assert registered(redis_client) == ["one", "two"]


# ---- from before lists had names ----


def test_the_first_start_adopts_cron_jobs_on_its_list_and_names_the_others(redis_client: Any) -> None:
    register_as_before_lists_had_names(redis_client, "listed", "kept", "kept-too")

    assert register_list(redis_client, *named("listed")).unclaimed == ["kept", "kept-too"]
    assert register_list(redis_client, *named("listed")).unclaimed == []
    assert registered(redis_client) == ["kept", "kept-too", "listed"]
    assert register_list(redis_client).cancelled == ["listed"]


def test_adopting_keeps_next_tick_counters_and_pause(registry: CronRegistry, redis_client: Any) -> None:
    register_as_before_lists_had_names(redis_client, "mine", "paused")
    run_once(redis_client, int(time.time()) // 60 * 60)
    registry.pause("paused")
    before = state(redis_client)

    register_list(redis_client, *named("mine", "paused"))

    assert state(redis_client) == before


def test_each_list_adopts_its_own_cron_jobs_in_any_order(redis_client: Any) -> None:
    register_as_before_lists_had_names(redis_client, "a1", "a2", "b1", "lost")

    assert register_list(redis_client, *named("a1", "a2"), name="a").unclaimed == ["b1", "lost"]
    assert register_list(redis_client, *named("b1"), name="b").unclaimed == []
    assert register_list(redis_client, name="b").cancelled == ["b1"]
    assert registered(redis_client) == ["a1", "a2", "lost"]


def test_a_cron_job_that_an_application_registers_again_belongs_to_it(
    registry: CronRegistry, redis_client: Any
) -> None:
    register_as_before_lists_had_names(redis_client, "mine", "kept")
    registry.register(cron_job())

    assert register_list(redis_client).unclaimed == ["kept"]
    assert registered(redis_client) == ["kept", "mine"]


@pytest.mark.parametrize(
    "owners", [b"", b"{", b"[]", b"5", b"\xff", b'{"default": "x"}', b'{"default": null}']
)
def test_a_cron_job_with_unreadable_owners_is_not_cancelled(redis_client: Any, owners: bytes) -> None:
    register_list(redis_client, *named("one", "two"))
    redis_client.hset(catalogue.CRON_OWNERS_KEY, "one", owners)

    assert register_list(redis_client) == ListChange(cancelled=["two"], unclaimed=["one"])
    assert registered(redis_client) == ["one"]


def test_a_foreign_definition_stays_and_can_be_cancelled_by_its_shown_id(
    registry: CronRegistry, redis_client: Any
) -> None:
    redis_client.hset(catalogue.CRON_JOBS_KEY, b"\xff", "{")
    redis_client.hset(catalogue.CRON_JOBS_KEY, b"broken", "{")

    assert register_list(redis_client).unclaimed == ["broken", "\\xff"]
    assert registered(redis_client) == ["broken", "\\xff"]
    assert registry.cancel("\\xff")
    assert registered(redis_client) == ["broken"]


def test_an_unreadable_definition_is_cancelled_when_it_leaves_its_list(
    redis_client: Any,
) -> None:
    register_list(redis_client, *named("one", "broken"))
    redis_client.hset(catalogue.CRON_JOBS_KEY, "broken", "{")

    assert register_list(redis_client, *named("one")).cancelled == ["broken"]


# ---- what is read ----


@pytest.mark.parametrize("change", ["register", "pause", "resume", "cancel"])
def test_changing_one_cron_job_does_not_read_the_others(
    registry: CronRegistry, redis_client: Any, change: str
) -> None:
    """Redis counts the bytes that it sends; they are enough for one cron job, not for all."""
    register_list(redis_client, *named(*(f"job-{number}" for number in range(500))))
    registry.register(cron_job())
    if change == "resume":
        registry.pause("mine")
    before = redis_client.info("stats")["total_net_output_bytes"]

    registry.register(cron_job()) if change == "register" else getattr(registry, change)("mine")

    assert redis_client.info("stats")["total_net_output_bytes"] - before < 20_000

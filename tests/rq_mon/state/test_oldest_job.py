"""How long the oldest job of a queue has waited, wherever it is in the list."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from redis import Redis
from rq import Queue

from rq_mon.state.errors import Errors
from rq_mon.state.oldest_job import FEWEST_IDS, IDS_IN_ALL, IDS_PER_QUEUE
from tests.rq_mon.state.conftest import ReadQueues
from tests.rq_mon.state.stored import wait_in_queue

HOUR = 3600.0


def _age(read: ReadQueues) -> float:
    age = read()["mail"].oldest_job_age
    assert age is not None
    return age


def test_job_enqueued_at_the_front_is_not_the_oldest(
    read: ReadQueues, queue: Queue, redis_client: Redis
) -> None:
    oldest = queue.enqueue("f")
    queue.enqueue("f")
    queue.enqueue("f", at_front=True)
    since = datetime.fromtimestamp(time.time() - HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    redis_client.hset(oldest.key, "enqueued_at", since)

    assert HOUR <= _age(read) < HOUR + 60


@pytest.mark.parametrize("gone", [1, IDS_PER_QUEUE, 30 * IDS_PER_QUEUE])
def test_expired_ids_at_the_head_do_not_hide_the_jobs_behind_them(
    read: ReadQueues, redis_client: Redis, errors: Errors, gone: int
) -> None:
    wait_in_queue(redis_client, "mail", [None] * gone + [HOUR, HOUR / 2, 10])

    assert HOUR <= _age(read) < HOUR + 60
    assert errors.counts()["queues"] == 0


def test_unreadable_job_at_the_head_does_not_hide_the_others(
    read: ReadQueues, redis_client: Redis, errors: Errors
) -> None:
    broken, foreign, _ = wait_in_queue(redis_client, "mail", [9 * HOUR, 8 * HOUR, HOUR])
    redis_client.hset(f"rq:job:{broken}", "enqueued_at", "yesterday")
    redis_client.delete(f"rq:job:{foreign}")
    redis_client.set(f"rq:job:{foreign}", "a string")

    assert HOUR <= _age(read) < HOUR + 60
    assert errors.counts()["queues"] == 2


@pytest.mark.parametrize("place", [0, 13, IDS_PER_QUEUE // 2, IDS_PER_QUEUE - 1])
def test_every_id_of_a_short_queue_is_checked(read: ReadQueues, redis_client: Redis, place: int) -> None:
    ages: list[float | None] = [10.0] * IDS_PER_QUEUE
    ages[place] = HOUR
    wait_in_queue(redis_client, "mail", ages)

    assert HOUR <= _age(read) < HOUR + 60


@pytest.mark.parametrize("place", [0, 39, -1, -40])
def test_both_ends_of_a_long_queue_are_checked(read: ReadQueues, redis_client: Redis, place: int) -> None:
    ages: list[float | None] = [10.0] * (10 * IDS_PER_QUEUE)
    ages[place] = HOUR
    wait_in_queue(redis_client, "mail", ages)

    assert HOUR <= _age(read) < HOUR + 60


def test_between_the_ends_a_long_queue_is_sampled(read: ReadQueues, redis_client: Redis) -> None:
    """The jobs at both ends have expired or are new; the oldest is in the middle."""
    length = 20 * IDS_PER_QUEUE
    wait_in_queue(redis_client, "mail", [*[5.0] * length, *[HOUR] * length, *[None] * length])

    assert HOUR <= _age(read) < HOUR + 60


def test_the_number_of_checked_ids_of_a_long_queue_is_limited(read: ReadQueues, redis_client: Redis) -> None:
    wait_in_queue(redis_client, "mail", [10.0] * (10 * IDS_PER_QUEUE))
    redis_client.config_resetstat()

    read()

    looked_at = redis_client.info("commandstats")["cmdstat_hget"]["calls"]  # type: ignore[index]
    assert looked_at == IDS_PER_QUEUE


def test_checked_ids_between_the_ends_are_evenly_spread(read: ReadQueues, redis_client: Redis) -> None:
    """920 ids lie between the ends of 40: of these, 20 are looked at, each 43 after the one before."""
    ages: list[float | None] = [10.0] * (10 * IDS_PER_QUEUE)
    ages[40 + 20 * 43] = HOUR
    wait_in_queue(redis_client, "mail", ages)

    assert HOUR <= _age(read) < HOUR + 60


def test_the_age_is_unknown_if_no_id_has_a_job(read: ReadQueues, redis_client: Redis) -> None:
    wait_in_queue(redis_client, "mail", [None] * 3)

    assert read()["mail"].oldest_job_age is None
    assert read()["mail"].jobs["queued"] == 3


def test_with_many_queues_fewer_ids_of_each_are_checked(read: ReadQueues, redis_client: Redis) -> None:
    """This keeps a scrape short: the number of checked ids does not grow with the queues."""
    number = 2 * IDS_IN_ALL // IDS_PER_QUEUE
    for each in range(number):
        wait_in_queue(redis_client, f"queue-{each}", [20.0] * IDS_PER_QUEUE)
    redis_client.config_resetstat()

    queues = read()

    looked_at = redis_client.info("commandstats")["cmdstat_hget"]["calls"]  # type: ignore[index]
    assert looked_at == IDS_IN_ALL >= FEWEST_IDS * number
    assert all(queue.oldest_job_age is not None and queue.oldest_job_age >= 20 for queue in queues.values())

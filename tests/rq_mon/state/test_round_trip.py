"""Many commands in one round trip: it ends in time, and leaves nothing for the next one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from proofs.harness.redis_server import RedisServer
from rq_mon.state.round_trip import CHUNK, round_trip
from tests.rq_mon.state.dripping_proxy import DrippingProxy

PAUSE = 0.25


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[DrippingProxy]:
    with DrippingProxy(redis_server.port, PAUSE) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: DrippingProxy) -> Iterator[Redis]:
    """A client with one open connection."""
    with Redis.from_url(proxy.url, socket_timeout=60, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
        yield client


def test_replies_and_errors_are_in_the_order_of_their_commands(redis_client: Redis) -> None:
    redis_client.set("text", "x")
    commands = [("ECHO", str(number)) for number in range(2 * CHUNK + 1)]

    replies = round_trip(redis_client, [*commands, ("LLEN", "text"), ("PING",)], time.monotonic() + 60)

    assert replies[:-2] == [str(number).encode() for number in range(2 * CHUNK + 1)]
    assert str(replies[-2]).startswith("WRONGTYPE")
    assert replies[-1] in (b"PONG", "PONG")


def test_a_redis_that_answers_too_slowly_does_not_block_the_reader(client: Redis) -> None:
    """Each reply is in time, but not all of them together."""
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        round_trip(client, [("INCR", "n")] * 400, begun + 2 * PAUSE)

    assert time.monotonic() - begun < 40 * PAUSE


def test_late_replies_are_not_mistaken_for_replies_to_the_next_commands(
    client: Redis, proxy: DrippingProxy
) -> None:
    with pytest.raises(TimeoutError):
        round_trip(client, [("INCR", "late")] * 8, time.monotonic() + PAUSE)
    proxy.pause = 0

    assert round_trip(client, [("ECHO", "next")], time.monotonic() + 60) == [b"next"]

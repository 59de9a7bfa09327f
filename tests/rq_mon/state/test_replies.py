"""Replies are the same as redis-py's, however they arrive."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse, ResponseError
from redis.retry import Retry

from proofs.harness.redis_server import RedisServer
from rq_mon.state.replies import parsed
from rq_mon.state.round_trip import Bundle, Command, round_trip
from tests.rq_mon.state.dripping_proxy import DrippingProxy

HOSTILE = ("", "\r\n", "a\r\n$1\r\nb\r\n", "-ERR no", "x\n-ERR", "\r\n*2\r\n", "$-1\r\n", "ü", "nul\0")

COMMANDS: Sequence[Command] = (
    *(("GET", f"text-{place}") for place in range(len(HOSTILE))),
    *(("ECHO", text) for text in HOSTILE),
    ("GET", "nothing"),
    ("HGETALL", "hash"),
    ("HGETALL", "nothing"),
    ("HGETALL", "text-0"),
    ("HMGET", "hash", "0", "nothing", "1"),
    ("SMEMBERS", "set"),
    ("LRANGE", "list", 0, -1),
    ("ZRANGE", "scores", 0, -1, "WITHSCORES"),
    ("ZSCORE", "scores", "b"),
    ("STRLEN", "text-1"),
    ("DECR", "number"),
    ("EVAL", "return {1, {'a', false, {}}, 'b'}", 0),
    ("NOTHING",),
    ("ECHO", "z" * 3_000_000),
)


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=["whole", "line by line"])
def client(request: pytest.FixtureRequest, redis_server: RedisServer, protocol: int) -> Iterator[Redis]:
    with DrippingProxy(redis_server.port, 0) as proxy:
        url = proxy.url if request.param == "line by line" else redis_server.url
        retry = Retry(NoBackoff(), 0)
        with Redis.from_url(url, protocol=protocol, socket_timeout=60, retry=retry) as client:
            yield client


@pytest.fixture
def _filled(redis_client: Redis) -> None:
    redis: Any = redis_client
    for place, text in enumerate(HOSTILE):
        redis.set(f"text-{place}", text)
    redis.hset("hash", mapping={str(place): text for place, text in enumerate(HOSTILE)})
    redis.hset("hash", mapping=dict.fromkeys(HOSTILE, "field"))
    redis.sadd("set", *HOSTILE)
    redis.rpush("list", *HOSTILE)
    redis.zadd("scores", {"a": 1, "b": 2.5})


def _deadline() -> float:
    return time.monotonic() + 120


def _plain(replies: Sequence[Any]) -> list[Any]:
    return [str(reply) if isinstance(reply, ResponseError) else reply for reply in replies]


def _of_redis_py(client: Redis, commands: Sequence[Command]) -> list[Any]:
    connection: Any = client.connection_pool.get_connection()
    try:
        replies = []
        for command in commands:
            connection.send_command(*command)
            try:
                replies.append(connection.read_response())
            except ResponseError as error:
                replies.append(error)
        return replies
    finally:
        client.connection_pool.release(connection)


@pytest.mark.usefixtures("_filled")
def test_replies_are_the_same_as_redis_pys(client: Redis) -> None:
    expected = _of_redis_py(client, COMMANDS)
    client.incr("number")

    assert _plain(round_trip(client, COMMANDS, _deadline())) == _plain(expected)


@pytest.mark.usefixtures("_filled")
def test_a_bundle_contains_the_same_replies_and_lists_its_errors(client: Redis) -> None:
    commands = [command for command in COMMANDS if command[0] != "DECR"]
    bundle = Bundle(commands)

    before, answer, after = round_trip(client, [("ECHO", "1"), bundle, ("ECHO", "2")], _deadline())

    assert (before, after) == (b"1", b"2")
    assert _plain([reply for _, reply in answer.replies()]) == _plain(_of_redis_py(client, commands))
    assert [command[0] for command, _ in answer.errors] == ["HGETALL", "NOTHING"]


@pytest.mark.usefixtures("_filled")
def test_an_answer_is_the_same_object_until_redis_sends_something_else(client: Redis) -> None:
    bundle = Bundle([("HGETALL", "hash"), ("GET", "text-1")])

    def ask() -> Any:
        (answer,) = round_trip(client, [bundle], _deadline())
        return answer

    first = ask()
    assert ask() is first
    client.hset("hash", "0", "changed")
    second = ask()
    assert second is not first
    client.hset("hash", "0", HOSTILE[0])
    assert ask().raw == first.raw


def test_a_bulk_error_of_resp3_is_an_error() -> None:
    """RESP3 has a form for it that Redis seldom uses."""
    error, number = parsed(b"!9\r\nERR wrong\r\n:7\r\n", 2)

    assert isinstance(error, ResponseError)
    assert (str(error), number) == ("wrong", 7)


def test_invalid_bytes_are_shown_in_the_error() -> None:
    with pytest.raises(InvalidResponse) as raised:
        parsed(b"?%b\r\n" % (b"x" * 60), 1)

    assert str(raised.value) == f"Protocol Error: {b'?' + b'x' * 49!r}"

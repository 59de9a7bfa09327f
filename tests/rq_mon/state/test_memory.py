"""Readings that are repeated: done again only where Redis sends something else, and right then."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis

from rq_mon.state.errors import Errors, Problems
from rq_mon.state.memory import Memory, grouped
from rq_mon.state.pipeline import Reading, read_together
from rq_mon.state.round_trip import CHUNK, NOW


class Chain:
    """Reads a key whose value names the next key, three times."""

    def __init__(self, redis: Redis) -> None:
        self.memory = Memory()
        self.runs = 0
        self._redis = redis
        self._errors = Errors()

    def _reading(self, problems: Problems) -> Reading[list[bytes | None]]:
        self.runs += 1
        found: list[bytes | None] = []
        key: bytes | None = b"first"
        for _ in range(3):
            if key is None:
                problems.count("jobs", "an end")
                break
            (key,) = yield [("GET", key)]
            found.append(key)
        return found

    def read(self) -> tuple[list[bytes | None], float]:
        """What it found, and how many problems are counted for it."""
        before = self._errors.counts()["jobs"]
        reading: Any = {"jobs": self.memory.read("chain", self._reading, self._errors)}
        found = read_together(self._redis, reading, self._errors, time.monotonic() + 60)["jobs"]
        return found, self._errors.counts()["jobs"] - before


def test_runs_again_only_when_a_reply_is_another(redis_client: Redis) -> None:
    chain = Chain(redis_client)
    redis_client.mset({"first": "b", "b": "c", "c": "d"})
    assert [chain.read() for _ in range(3)] == [([b"b", b"c", b"d"], 0)] * 3
    assert chain.runs == 1

    for change, expected in (
        ({"c": "e"}, [b"b", b"c", b"e"]),  # the last step, as long as before
        ({"b": "x", "x": "y"}, [b"b", b"x", b"y"]),  # one in the middle, so that another key is read
        ({"b": "c"}, [b"b", b"c", b"e"]),
        ({"first": "x"}, [b"x", b"y", None]),
    ):
        redis_client.mset(change)
        assert chain.read()[0] == chain.read()[0] == expected
    assert chain.runs == 5


def test_what_is_unreadable_is_counted_at_each_reading(redis_client: Redis) -> None:
    chain = Chain(redis_client)
    redis_client.mset({"first": "b"})

    assert [chain.read() for _ in range(3)] == [([b"b", None], 1)] * 3
    redis_client.lpush("b", "wrong type")
    assert [chain.read() for _ in range(3)] == [([b"b", None], 2)] * 3
    redis_client.delete("b")
    assert chain.read() == ([b"b", None], 1)
    redis_client.set("b", "c")
    assert chain.read() == ([b"b", b"c", None], 0)


def test_a_reading_that_failed_midway_is_not_kept(redis_client: Redis) -> None:
    """What it received of a new state must not be taken for the result of the old one."""
    chain = Chain(redis_client)
    redis_client.mset({"first": "b", "b": "c", "c": "d"})
    chain.read()
    redis_client.mset({"first": "x", "x": "y", "y": "z"})

    half: Any = chain.memory.read("chain", chain._reading, Errors())
    steps = 0
    asked = half.send(None)
    while asked:
        bundles, steps = asked, steps + 1
        answers = read_together(redis_client, {"jobs": _ask(bundles)}, Errors(), time.monotonic() + 60)
        if steps == 2:
            half.close()
            break
        asked = half.send(answers["jobs"])

    assert steps == 2
    assert chain.read()[0] == [b"x", b"y", b"z"]


def _ask(asked: Any) -> Reading[Any]:
    return (yield asked)


def test_an_emptied_redis_is_read_again(redis_client: Redis) -> None:
    chain = Chain(redis_client)
    redis_client.mset({"first": "b", "b": "c"})
    assert chain.read()[0] == [b"b", b"c", None]

    redis_client.flushall()
    assert chain.read()[0] == [None]
    redis_client.mset({"first": "b", "b": "d"})
    assert chain.read()[0] == [b"b", b"d", None]


def test_results_that_are_not_read_any_more_are_dropped(redis_client: Redis) -> None:
    chain = Chain(redis_client)
    chain.read()
    chain.memory.forget_others()
    chain.read()
    assert chain.runs == 1  # it was read since

    chain.memory.forget_others()
    chain.memory.forget_others()
    chain.read()

    assert chain.runs == 2


def test_the_time_of_each_reading_is_sent(redis_client: Redis) -> None:
    redis_client.zadd("moments", {"early": 1000.5, "late": 2000.25})
    memory, errors = Memory(), Errors()

    def number(_: Problems) -> Reading[int]:
        (found,) = yield [("ZCOUNT", "moments", f"({NOW}", "+inf")]
        return int(found)

    def read(now: float) -> int:
        reading: Any = {"jobs": memory.read("late", number, errors, now)}
        return int(read_together(redis_client, reading, errors, time.monotonic() + 60)["jobs"])

    times = (0, 1000.499999, 1000.5, 1795490000.123456, 2000.25, 2000, 1000.5, 0)
    assert [read(now) for now in times] == [2, 2, 1, 0, 0, 1, 1, 2]


def test_many_commands_are_sent_in_parts(redis_client: Redis) -> None:
    number = 2 * CHUNK + 1
    redis_client.mset({f"key-{place}": place for place in range(number)})
    memory, errors = Memory(), Errors()

    def every(_: Problems) -> Reading[list[bytes]]:
        return [*(yield [("GET", f"key-{place}") for place in range(number)])]

    def read() -> list[bytes]:
        reading: Any = {"jobs": memory.read("all", every, errors)}
        found: list[bytes] = read_together(redis_client, reading, errors, time.monotonic() + 60)["jobs"]
        return found

    expected = [str(place).encode() for place in range(number)]
    assert read() == read() == expected
    redis_client.set(f"key-{CHUNK}", "else")
    expected[CHUNK] = b"else"
    assert read() == read() == expected


def test_a_new_name_changes_one_group() -> None:
    names = [f"queue-{number}".encode() for number in range(170)]
    before = {*grouped(names, 16, bytes)}
    after = {*grouped([*names, b"new"], 16, bytes)}

    assert sorted(name for group in before for name in group) == sorted(names)
    assert len(before - after) == len(after - before) == 1

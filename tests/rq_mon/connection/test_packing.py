"""Commands are written as redis-py writes them, in less time."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import DataError, Redis
from redis._parsers import Encoder
from redis.connection import PythonRespSerializer

from rq_mon.connection.packing import LONGEST_COPIED, Packer


class State(StrEnum):
    QUEUED = "queued"


class Place(IntEnum):
    FIRST = 1


def packed_by_redis_py(*arguments: Any) -> bytes:
    encoder: Any = Encoder("utf-8", "strict", decode_responses=False)  # type: ignore[no-untyped-call]
    redis_py: Any = PythonRespSerializer(6000, encoder.encode)
    return b"".join(redis_py.pack(*arguments))


def packed(*arguments: Any) -> bytes:
    return b"".join(Packer().pack(*arguments))


ARGUMENTS = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20),
    st.integers(),
    st.floats(),
    st.sampled_from([State.QUEUED, memoryview(b"view"), b"x" * (LONGEST_COPIED + 1), "é" * LONGEST_COPIED]),
)
NAMES = st.sampled_from(["HSET", b"HSET", "CONFIG GET", b"SCRIPT LOAD", "CLIENT NO-EVICT"])


@given(NAMES, st.lists(ARGUMENTS, max_size=6))
def test_a_command_is_written_as_by_redis_py(name: str | bytes, arguments: list[Any]) -> None:
    assert packed(name, *arguments) == packed_by_redis_py(name, *arguments)


@pytest.mark.parametrize("argument", [True, None, [1], object()])
def test_an_argument_that_redis_py_refuses_is_refused(argument: Any) -> None:
    with pytest.raises(DataError, match=f"'{type(argument).__name__}'"):
        packed("SET", "key", argument)


def test_a_number_of_another_class_is_written_as_by_redis_py() -> None:
    assert packed("SET", Place.FIRST) == packed_by_redis_py("SET", Place.FIRST)


def test_text_that_utf_8_cannot_encode_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        packed("SET", "key", "\ud800")


def test_a_client_writes_commands_with_it(redis_client: Redis) -> None:
    assert isinstance(redis_client.connection_pool.connection_kwargs["command_packer"], Packer)
    redis_client.set("key", b"x" * 100_000)
    assert redis_client.strlen("key") == 100_000

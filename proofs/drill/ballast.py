"""Data that fills Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import cast

from redis import Redis
from redis.exceptions import OutOfMemoryError

from proofs.harness.waiting import wait_until

KEY = "rq:drill:ballast"
PIECES = (1_000_000, 10_000, 100)
"""Sizes in bytes: large values for most of the memory, small ones for the rest."""

IDLE_SECONDS = 5
"""Redis evicts idle keys first.

The stack reads its own keys all the time, so the ballast must be idle longer.
"""


@contextmanager
def full_memory(redis: Redis) -> Iterator[None]:
    """Fill Redis up to its maxmemory during the block."""
    with _removed_at_the_end(redis):
        for size in PIECES:
            try:
                for number in count():
                    _write(redis, size, number)
            except OutOfMemoryError:
                pass
        yield


@contextmanager
def filled_memory(redis: Redis, share: float) -> Iterator[None]:
    """Fill Redis up to a share of its maxmemory during the block."""
    size = PIECES[1]
    with _removed_at_the_end(redis):
        for number in count():
            memory = cast(dict[str, int], redis.info("memory"))
            if memory["used_memory"] > share * memory["maxmemory"]:
                break
            _write(redis, size, number)
        yield


def write_until_evicted(redis: Redis) -> None:
    """Write to a Redis that is full of idle ballast until it evicts some."""
    size = PIECES[1]
    first = f"{KEY}:{size}:0"

    def idle() -> bool:
        return cast(int, redis.object("idletime", first)) >= IDLE_SECONDS

    def evicted() -> int:
        return cast(dict[str, int], redis.info("stats"))["evicted_keys"]

    wait_until(idle, f"{first} to be idle")
    for number in count(1):
        if evicted():
            break
        _write(redis, size, -number)


def _write(redis: Redis, size: int, number: int) -> None:
    redis.set(f"{KEY}:{size}:{number}", b"x" * size)


@contextmanager
def _removed_at_the_end(redis: Redis) -> Iterator[None]:
    try:
        yield
    finally:
        keys = list(redis.scan_iter(f"{KEY}:*", count=1000))
        redis.delete(*keys)

"""What fills Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from redis import Redis
from redis.exceptions import OutOfMemoryError

KEY = "drill:ballast"
PIECES = (1_000_000, 10_000, 100)
"""Sizes in bytes: large ones for most of it, small ones for the rest."""


@contextmanager
def full_memory(redis: Redis) -> Iterator[None]:
    """Fill Redis up to its maxmemory for as long as the block lasts."""
    for size in PIECES:
        try:
            for number in count():
                redis.set(f"{KEY}:{size}:{number}", b"x" * size)
        except OutOfMemoryError:
            pass
    try:
        yield
    finally:
        keys = list(redis.scan_iter(f"{KEY}:*", count=1000))
        redis.delete(*keys)

"""Cron's clock: that of Redis, which all cron schedulers share.

A scheduler whose own clock is ahead would enqueue ticks too early, and then none until their real time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def redis_time(connection: Any) -> float:
    """Return the Unix time by the clock of Redis."""
    return unix_time(connection.time())


def unix_time(reply: Sequence[bytes | int]) -> float:
    """Convert Redis' answer to TIME to a Unix time."""
    seconds, microseconds = reply
    return int(seconds) + int(microseconds) / 1e6

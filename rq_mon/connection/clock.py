"""The clock that cron goes by: that of Redis, which all cron schedulers share.

One whose own clock is ahead would enqueue ticks before their time, and leave none until that time has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def redis_time(connection: Any) -> float:
    """Return the Unix time by the clock of Redis."""
    return unix_time(connection.time())


def unix_time(reply: Sequence[bytes | int]) -> float:
    """Return the Unix time that Redis answers to TIME."""
    seconds, microseconds = reply
    return int(seconds) + int(microseconds) / 1e6

"""Live cron schedulers: each writes a time until which it counts as alive, and renews it before."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from rq_mon.catalogue import CRON_SCHEDULERS_KEY
from rq_mon.connection.clock import redis_time

ALIVE_FOR_SECONDS = 15


def scheduler_name() -> str:
    """Return the name of this process' cron scheduler."""
    return f"cron-scheduler-{socket.gethostname()}-{os.getpid()}"


def announce(connection: Redis, name: str) -> None:
    """Count as alive for ALIVE_FOR_SECONDS from now, by the clock of Redis."""
    now = redis_time(connection)
    with connection.pipeline() as pipeline:
        pipeline.zadd(CRON_SCHEDULERS_KEY, {name: now + ALIVE_FOR_SECONDS})
        pipeline.zremrangebyscore(CRON_SCHEDULERS_KEY, "-inf", now)  # of killed schedulers
        pipeline.execute()


def withdraw(connection: Redis, name: str) -> None:
    """Stop counting as alive."""
    connection.zrem(CRON_SCHEDULERS_KEY, name)


def silence(connection: Redis) -> str:
    """Return since when no cron scheduler has reported. One that was stopped properly leaves no trace."""
    found: Any = connection.zrange(CRON_SCHEDULERS_KEY, 0, 0, desc=True, withscores=True)
    if not found:
        return "no cron scheduler has reported yet"
    moment = datetime.fromtimestamp(found[0][1] - ALIVE_FOR_SECONDS, UTC)
    return f"no cron scheduler has reported since {moment:%Y-%m-%d %H:%M:%S} UTC"

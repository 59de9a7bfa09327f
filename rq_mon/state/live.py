"""Live workers and cron schedulers, for health checks: processes that ask once and end."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from rq_mon.state.cron import read_live_schedulers
from rq_mon.state.errors import Errors, Theme
from rq_mon.state.pipeline import Reading, read_together
from rq_mon.state.workers import read_worker_hashes

ANSWER_SECONDS = 3.0


def live_workers(connection: Redis, queue_name: str) -> list[str]:
    """Return the keys of the live workers that listen to a queue.

    RQ lets a worker's key expire when its heartbeats stop, and marks the key of a worker that ended.

    Raises:
        RedisError: Redis cannot be read, or not within ANSWER_SECONDS.
    """
    workers = _read(connection, "workers", read_worker_hashes(Errors()))
    live = [worker for worker in workers if worker.is_live and worker.last_heartbeat is not None]
    return sorted(worker.key.decode() for worker in live if queue_name in worker.queues)


def live_schedulers(connection: Redis) -> list[str]:
    """Return the names of the live cron schedulers, by the clock of Redis.

    Raises:
        RedisError: Redis cannot be read, or not within ANSWER_SECONDS.
    """
    return list(_read(connection, "cron", read_live_schedulers(time.time())) or ())


def _read(connection: Redis, theme: Theme, reading: Reading[Any]) -> Any:
    try:
        found = read_together(connection, {theme: reading}, Errors(), time.monotonic() + ANSWER_SECONDS)
    except TimeoutError as error:
        raise RedisTimeoutError(str(error)) from error
    return found[theme]

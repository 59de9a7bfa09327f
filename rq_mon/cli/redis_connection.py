"""The Redis that RQ_REDIS_URL names, for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from rq_mon.connection.client import connect
from rq_mon.settings import Settings


@contextmanager
def open_redis() -> Iterator[Redis]:
    """Return a client that tries to connect once, at the first command: a person waits.

    Raises:
        SettingsError: RQ_REDIS_URL cannot be used.
    """
    with connect(Settings.from_environment().redis_url, attempts=1) as connection:
        yield connection

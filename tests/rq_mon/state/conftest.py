from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue

from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import read_together
from rq_mon.state.queues import QueueFacts, read_queues

ReadQueues = Callable[[], dict[str, QueueFacts]]


@pytest.fixture
def errors() -> Errors:
    return Errors()


@pytest.fixture
def read(redis_client: Redis, errors: Errors) -> ReadQueues:
    """Reads the current state of all queues."""

    def read_now() -> dict[str, QueueFacts]:
        readings = {"queues": read_queues(errors, time.time())}
        found = read_together(redis_client, readings, errors, deadline=time.monotonic() + 30)  # type: ignore[arg-type]
        return found["queues"]  # type: ignore[no-any-return]

    return read_now


@pytest.fixture
def queue(redis_client: Redis) -> Queue:
    return Queue("mail", connection=redis_client)

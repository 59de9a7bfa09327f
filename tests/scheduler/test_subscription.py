"""A worker's subscription to commands can be ended whatever has become of its connection."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from scheduler.supervised_worker import SupervisedWorker
from tests.harness.waiting import wait_until


@pytest.mark.skipif(redis.VERSION >= (6,), reason="the lock that waited for itself is redis-py 5's")
def test_it_can_be_ended_right_after_its_connection_broke(redis_client: Any) -> None:
    worker: Any = SupervisedWorker(["queue"], connection=redis_client)
    worker.subscribe()
    redis_client.client_kill_filter(_type="pubsub")
    wait_until(lambda: worker.pubsub.connection._sock is None, "the broken connection to be noticed")

    ending = threading.Thread(target=worker.unsubscribe, daemon=True)
    ending.start()
    ending.join(30)

    assert not ending.is_alive()

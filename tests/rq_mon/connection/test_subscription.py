"""A worker's subscription can be ended in any state of its connection."""

from __future__ import annotations

import threading
from typing import Any

from proofs.harness.waiting import wait_until
from scheduler.supervised_worker import SupervisedWorker


def test_a_subscription_can_be_ended_right_after_its_connection_broke(redis_client: Any) -> None:
    worker: Any = SupervisedWorker(["queue"], connection=redis_client)
    worker.subscribe()
    broken = worker.pubsub.connection._sock
    redis_client.client_kill_filter(_type="pubsub")
    # redis-py 5 closes it, redis-py 8 replaces it
    wait_until(lambda: worker.pubsub.connection._sock is not broken, "the broken connection to be noticed")

    ending = threading.Thread(target=worker.unsubscribe, daemon=True)
    ending.start()
    ending.join(30)

    assert not ending.is_alive()

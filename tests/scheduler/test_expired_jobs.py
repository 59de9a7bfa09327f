"""The queue class of the stack's workers also notices expired jobs, and takes each job once."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq.exceptions import DequeueTimeout

from rq_mon.worker.expired import noticing_expired
from scheduler.supervised_queue import SupervisedQueue


def test_expired_jobs_of_several_queues_are_noticed(redis_client: Redis) -> None:
    seen: list[str] = []
    noticing = noticing_expired(SupervisedQueue, seen.append)
    queues = [noticing(name, connection=redis_client) for name in ("mail", "reports")]
    redis_client.rpush("rq:queue:mail", "expired-1", "expired-2")
    redis_client.rpush("rq:queue:reports", "expired-3")
    job = queues[1].enqueue("time.sleep", 0)

    taken: Any = noticing.dequeue_any(queues, 1, connection=redis_client)

    assert taken[0].id == job.id
    assert isinstance(taken[1], SupervisedQueue)
    assert seen == ["mail", "mail", "reports"]

    redis_client.rpush("rq:queue:mail", "expired-4")
    with pytest.raises(DequeueTimeout):
        noticing.dequeue_any(queues, 1, connection=redis_client)
    assert seen == ["mail", "mail", "reports", "mail"]

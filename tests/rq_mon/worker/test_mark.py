"""A worker that counts its jobs says so in the hash that RQ keeps for it."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq import Queue

from rq_mon.catalogue import MONITORED_WORKER_FIELD
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.processes import FORKING, RQ

pytestmark = pytest.mark.slow

MARK = MONITORED_WORKER_FIELD.encode()


WORKER = "rq:worker:ann"


def work(rq: RQ, redis: Redis, worker_class: str, *options: str) -> dict[bytes, bytes]:
    """Run a worker; return its hash as it left it."""
    rq.work("mail", worker_class=worker_class, options=("--name", "ann", *options))
    worker: Any = redis.hgetall(WORKER)
    assert worker[b"queues"] == b"mail"
    return dict(worker)


def test_a_worker_that_counts_is_marked(rq: RQ, queue: Queue, redis_client: Redis, worker_class: str) -> None:
    assert work(rq, redis_client, worker_class)[MARK] == b"1"


@pytest.mark.parametrize("worker_class", ["rq.Worker", "rq.SimpleWorker"])
def test_a_plain_worker_is_not_marked(rq: RQ, queue: Queue, redis_client: Redis, worker_class: str) -> None:
    assert MARK not in work(rq, redis_client, worker_class)


def test_a_worker_without_the_right_to_count_is_not_marked(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    rules = ("on", ">secret", "~*", "&*", "+@all", "-@scripting")
    redis_client.execute_command("ACL", "SETUSER", "limited", *rules)  # type: ignore[no-untyped-call]
    limited = RQ(rq.url.replace("redis://", "redis://limited:secret@"), rq.log)

    assert MARK not in work(limited, redis_client, worker_class)
    redis_client.acl_deluser("limited")


def test_the_mark_comes_back_after_redis_lost_the_workers_hash(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.lose_the_worker, WORKER)

    assert MARK in work(rq, redis_client, FORKING, "--job-monitoring-interval", "1")

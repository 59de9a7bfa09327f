"""The assumption of RQWorkersLost: a healthy worker renews its key while more than half a minute is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.worker import BaseWorker

from rq_mon.settings import Settings
from rq_mon.worker.monitored_worker import MonitoredWorker
from scheduler.supervised_worker import build_worker
from tests.prometheus.rules import alerts

HEALTHY = 30
"""Seconds; the bound in the rule."""

BUILDERS: dict[str, Callable[[Redis], BaseWorker]] = {
    "rq": lambda connection: Worker(["mail"], connection=connection),
    "simple": lambda connection: SimpleWorker(["mail"], connection=connection),
    "monitored": lambda connection: MonitoredWorker(["mail"], connection=connection),
    "the stack's own": lambda connection: build_worker(["mail"], connection, Settings()),
}


def expires_in(connection: Redis, worker: BaseWorker) -> int:
    seconds: Any = connection.ttl(worker.key)
    return int(seconds)


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS.keys())
@pytest.mark.parametrize("job_timeout", [1, 180, 3600])
def test_a_worker_renews_its_key_long_before_it_expires(
    redis_client: Redis, build: Callable[[Redis], BaseWorker], job_timeout: int
) -> None:
    worker = build(redis_client)
    worker.register_birth()  # type: ignore[no-untyped-call]
    worker.heartbeat()
    idle = expires_in(redis_client, worker) - worker.dequeue_timeout

    queue = Queue("mail", connection=redis_client)
    job = queue.enqueue("time.sleep", 0, job_timeout=job_timeout)
    queue.remove(job)
    worker.prepare_execution(job)
    busy = expires_in(redis_client, worker) - min(job_timeout, worker.job_monitoring_interval)

    assert idle > HEALTHY
    assert busy > HEALTHY


def test_the_rule_has_the_same_bound() -> None:
    (rule,) = (alert.expression for alert in alerts() if alert.name == "RQWorkersLost")
    assert rule.count(f"< {HEALTHY}") == rule.count(f">= {HEALTHY}") == 1

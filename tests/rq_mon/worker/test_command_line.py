"""One flag is all that an existing application needs."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.worker import HerokuWorker, SpawnWorker

from rq_mon.worker.monitored_worker import MonitoredWorkerMixin
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow


def test_a_worker_pool_counts_what_all_of_its_workers_do(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    for _ in range(10):
        queue.enqueue(jobs.succeed)
    rq.run("worker-pool", "--burst", "--num-workers", "2", "--worker-class", worker_class, "mail")
    assert ends(redis_client, "mail") == {("succeed", "success"): 10}


def test_the_limits_are_set_in_the_environment(
    rq: RQ, queue: Queue, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE", "1")
    monkeypatch.setenv("RQ_METRICS_MAX_EXCEPTIONS_PER_FUNCTION", "1")
    for exception in ("A", "B", "C"):
        queue.enqueue(jobs.fail_with, exception)
    queue.enqueue(jobs.succeed)
    rq.work("mail")
    assert ends(redis_client, "mail") == {("fail_with", "failed"): 3, ("other", "success"): 1}


def test_a_worker_class_of_the_application_can_count_too() -> None:
    class Mine(MonitoredWorkerMixin, HerokuWorker):
        pass

    assert issubclass(Mine, HerokuWorker)


def test_a_worker_that_spawns_says_that_it_cannot_count() -> None:
    with pytest.raises(TypeError, match="Spawning: SpawnWorker's work horses are plain workers"):
        type("Spawning", (MonitoredWorkerMixin, SpawnWorker), {})


def commands_sent(redis: Redis, rq: RQ, worker_class: str) -> list[str]:
    """The names of the commands that a worker sends to run five jobs.

    Without those that scripts call, and those that open a connection or keep it alive, as time goes by.
    """
    redis.flushall()
    queue = Queue("mail", connection=redis)
    for _ in range(5):
        queue.enqueue(jobs.succeed)
    with redis.monitor() as monitor:  # type: ignore[no-untyped-call]
        rq.work("mail", worker_class=worker_class)
        redis.echo("the end")
        sent: list[Any] = []
        for command in monitor.listen():
            if command["command"].startswith("ECHO"):
                return sent
            name = command["command"].split()[0]
            if command["client_type"] != "lua" and name not in ("CLIENT", "HELLO", "PING"):
                sent.append(name)
    raise AssertionError("the monitor ended")


@pytest.mark.parametrize("kind", ["Worker", "SimpleWorker"])
def test_a_job_costs_two_commands_more_and_no_round_trip(redis_client: Redis, rq: RQ, kind: str) -> None:
    plain = commands_sent(redis_client, rq, f"rq.{kind}")
    monitored = commands_sent(redis_client, rq, f"scheduler.Monitored{kind}")
    at_start = {"EVAL": 2, "DEL": 1, "SREM": 1, "MULTI": 1, "EXEC": 1, "HLEN": 1, "HSET": 1}
    saved = {"HSET": -5}  # RQ says twice after each job that the worker is idle
    extra = {
        name: monitored.count(name) - plain.count(name)
        for name in set(monitored) | set(plain)
        if monitored.count(name) != plain.count(name)
    }
    assert extra == {**at_start, "HSET": at_start["HSET"] + saved["HSET"], "EVAL": at_start["EVAL"] + 2 * 5}

"""What only the stack's workers do: replace a dead predecessor, serve queues in order, survive a freeze."""

from __future__ import annotations

import os
import signal
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import DequeueTimeout

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from scheduler.supervised_worker import SupervisedWorker
from tests.harness import jobs
from tests.harness.processes import Start
from tests.harness.workers import StartWorker, workers_now
from tests.rq_mon.worker import jobs as metric_jobs
from tests.rq_mon.worker.counters import ends, running


def register(redis: Redis, **fields: Any) -> SupervisedWorker:
    worker = SupervisedWorker(["mail"], name="ann", connection=redis)
    redis.hset(worker.key, mapping=fields)
    worker.register_birth()
    return worker


@pytest.mark.parametrize(
    "fields",
    [
        {"birth": "2026-01-01T00:00:00.000000Z", "hostname": "elsewhere", "pid": os.getpid()},
        {"birth": "2026-01-01T00:00:00.000000Z", "hostname": os.uname().nodename, "pid": 1},
    ],
    ids=["another host", "another process"],
)
def test_a_worker_cannot_take_the_name_of_a_live_one(redis_client: Redis, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="There exists an active worker named 'ann' already"):
        register(redis_client, **fields)
    assert redis_client.hmget("rq:worker:ann", ["pid"]) == [str(fields["pid"]).encode()]


@pytest.mark.parametrize(
    "fields",
    [
        {"birth": "2026-01-01T00:00:00.000000Z", "hostname": os.uname().nodename, "pid": os.getpid()},
        {"current_job_working_time": "0"},
        {"state": "busy", "total_working_time": "1.5"},
        {"last_heartbeat": "2026-01-01T00:00:00.000000Z"},
    ],
    ids=["the record of its previous run", "RQ's working time", "state and times", "a heartbeat"],
)
def test_a_worker_takes_the_name_of_a_dead_predecessor_or_ghost(
    redis_client: Redis, fields: dict[str, Any]
) -> None:
    worker = register(redis_client, **fields)
    assert worker.birth_date is not None
    assert redis_client.hmget(worker.key, ["queues"]) == [b"mail"]
    assert redis_client.ttl(worker.key) > 0  # type: ignore[operator]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_an_idle_worker_of_several_queues_takes_a_job_from_any_at_once(
    redis_client: Redis, start_worker: StartWorker, name: str
) -> None:
    worker = start_worker("first", "second", "third", kind=SupervisedWorker)
    queue = Queue(name, connection=redis_client)
    waits = []
    for _ in range(5):
        pushed: list[float] = []

        def push(pushed: list[float] = pushed) -> None:
            pushed.append(time.monotonic())
            queue.enqueue(metric_jobs.succeed)

        timer = threading.Timer(0.2, push)
        timer.start()
        worker.queue_class.dequeue_any(worker.queues, 10, worker.connection)
        waits.append(time.monotonic() - pushed[0])
        timer.join()
    assert min(waits) < 0.5  # the others may have waited for a CPU


@pytest.mark.slow
@pytest.mark.parametrize("names", [("first", "second"), ("first", "second", "third", "fourth")])
def test_an_idle_worker_of_several_queues_sends_few_commands(
    redis_client: Any, start_worker: StartWorker, names: tuple[str, ...]
) -> None:
    worker = start_worker(*names, kind=SupervisedWorker)

    def commands() -> int:
        return int(redis_client.info("stats")["total_commands_processed"])

    before, begun = commands(), time.monotonic()
    with pytest.raises(DequeueTimeout):
        worker.queue_class.dequeue_any(worker.queues, 2, worker.connection)

    assert commands() - before - len(names) <= 20 * (time.monotonic() - begun)


@pytest.mark.e2e(seconds=45)
def test_workers_survive_a_freeze_of_redis_longer_than_any_lease(
    own_redis: RedisServer, start: Start, tmp_path: Path
) -> None:
    """The job ends during the freeze. No worker dies or is left as a ghost, and both work again."""
    own_redis.start()
    assert own_redis.process is not None
    redis = Redis.from_url(own_redis.url)
    queue = Queue("short-running", connection=redis)
    workers = start("short-running-worker.py"), start("short-running-worker.py")

    def states() -> list[tuple[str, bool]]:
        return sorted((worker.state, bool(worker.queues)) for worker in workers_now(redis))

    wait_until(lambda: states() == [("idle", True)] * 2, "two workers", within=30)
    job = queue.enqueue(jobs.wait_for_file, str(tmp_path / "release"))
    wait_until(lambda: job.get_status() == "started", "the job to run")

    own_redis.process.send_signal(signal.SIGSTOP)
    (tmp_path / "release").touch()
    wait_until(
        lambda: any("waiting for Redis" in worker.output for worker in workers),
        "its end to be noticed",
        within=60,
    )
    own_redis.process.send_signal(signal.SIGCONT)
    for key in redis.scan_iter("rq:worker:*"):
        redis.delete(key)  # like Redis does with expired keys after a longer freeze

    wait_until(lambda: job.get_status() in ("finished", "failed"), "the job to end", within=30)
    following = queue.enqueue(jobs.add, 1, 2)
    wait_until(lambda: following.get_status() == "finished", "the next job", within=30)
    wait_until(lambda: states() == [("idle", True)] * 2, "both to be listed as they are", within=60)
    wait_until(lambda: running(redis, "short-running") == 0, "nothing to be left as running", within=30)

    assert all("There exists an active worker" not in worker.output for worker in workers)
    counted = [n for (name, _), n in ends(redis, "short-running").items() if "wait_for_file" in name]
    assert sum(counted) == 1
    assert queue.job_ids == []


@pytest.mark.skipif(version("rq").startswith("3."), reason="RQ 3 does not write it")
def test_the_working_time_of_the_current_job_is_written(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker("mail", kind=SupervisedWorker)

    worker.set_current_job_working_time(3.5)

    written: Any = redis_client.hget(worker.key, "current_job_working_time")
    assert written == b"3.5"

"""An existing application needs only one flag to count its jobs."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version

import pytest
from redis import Redis
from rq import Queue
from rq.worker import HerokuWorker, SpawnWorker

from rq_mon.worker.monitored_worker import MonitoredWorkerMixin
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow


def test_all_workers_of_a_pool_count_their_jobs(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    for _ in range(10):
        queue.enqueue(jobs.succeed)
    rq.run("worker-pool", "--burst", "--num-workers", "2", "--worker-class", worker_class, "mail")
    assert ends(redis_client, "mail") == {("succeed", "success"): 10}


def test_environment_variables_set_the_limits(
    rq: RQ, queue: Queue, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE", "1")
    monkeypatch.setenv("RQ_METRICS_MAX_EXCEPTIONS_PER_FUNCTION", "1")
    for exception in ("A", "B", "C"):
        queue.enqueue(jobs.fail_with, exception)
    queue.enqueue(jobs.succeed)
    rq.work("mail")
    assert ends(redis_client, "mail") == {("fail_with", "failed"): 3, ("other", "success"): 1}


def test_an_applications_own_worker_class_can_count_too() -> None:
    class Mine(MonitoredWorkerMixin, HerokuWorker):
        pass

    assert issubclass(Mine, HerokuWorker)


def test_a_spawning_worker_class_is_refused_as_it_cannot_count() -> None:
    with pytest.raises(TypeError, match="Spawning: SpawnWorker's work horses are plain workers"):
        type("Spawning", (MonitoredWorkerMixin, SpawnWorker), {})


def commands_sent(redis: Redis, rq: RQ, worker_class: str, many: int) -> Counter[str]:
    """The names of the commands that a worker sends to run this number of jobs.

    Left out are commands inside scripts, and those whose number depends on the time taken: to open a
    connection, to keep it alive, and to register again, at most once a second.
    """
    redis.flushall()
    queue = Queue("mail", connection=redis)
    for _ in range(many):
        queue.enqueue(jobs.succeed)
    with redis.monitor() as monitor:  # type: ignore[no-untyped-call]
        rq.work("mail", worker_class=worker_class)
        redis.echo("the end")
        sent: Counter[str] = Counter()
        for command in monitor.listen():
            text, name = command["command"], command["command"].split()[0]
            if name == "ECHO":
                return sent
            registers = text.startswith("SADD rq:workers") or (name == "HSET" and " birth " in text)
            if command["client_type"] != "lua" and name not in ("CLIENT", "HELLO", "PING") and not registers:
                sent[name] += 1
    raise AssertionError("the monitor ended")


@pytest.mark.parametrize("kind", ["Worker", "SimpleWorker"])
def test_a_short_job_costs_two_commands_more_than_in_rq_and_saves_at_least_eight(
    redis_client: Redis, rq: RQ, kind: str
) -> None:
    """The difference between six jobs and one, which leaves out what a worker sends when it starts."""
    extra: Counter[str] = Counter()
    ours = f"tests.rq_mon.worker.steady_workers.Monitored{kind}"
    for worker_class, sign in ((f"rq.{kind}", -1), (ours, 1)):
        for many, direction in ((6, sign), (1, -sign)):
            for name, number in commands_sent(redis_client, rq, worker_class, many).items():
                extra[name] += direction * number
    # After each job, RQ sets the state to idle twice and sends several heartbeats; ours sends one of each,
    # together. With work horses, RQ 2 also writes a working time of 0 seconds.
    is_rq_3 = version("rq").startswith("3.")
    saved = {"HSET": -5, "EXPIRE": -6} if is_rq_3 else {"HSET": -6 if kind == "Worker" else -5, "EXPIRE": -3}
    saved = {name: 5 * number for name, number in saved.items()}
    assert {name: number for name, number in extra.items() if number} == {"EVAL": 5 * 2, **saved}

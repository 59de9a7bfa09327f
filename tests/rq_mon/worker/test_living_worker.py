"""Which executions count as abandoned, and that each counts once."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.utils import now, utcformat

from rq_mon.catalogue import MONITORED_QUEUES_KEY
from rq_mon.series import running_key, search_lock_key
from rq_mon.worker.abandoned import RunningExecution, count_abandoned
from rq_mon.worker.monitored_worker import MonitoredWorker
from rq_mon.worker.pruning import DAY, Pruned, prune
from rq_mon.worker.recorder import JobRecorder
from tests.harness.workers import StartWorker
from tests.rq_mon.worker.counters import ends, running

BIRTH = "2026-11-24T03:12:35.381567Z"
STARTED = "rq:wip:mail"


def list_as_running(redis: Redis, execution: str = "execution", **known: Any) -> None:
    fields = {"birth": BIRTH, "deadline": math.inf, "worker": "rq:worker:a", "queue": "mail", **known}
    job = RunningExecution(
        known.get("job", "job"), fields["worker"], fields["birth"], 70, fields["deadline"], "app.send"
    )
    redis.hset(running_key(fields["queue"]), execution, job.encode())


def reports(redis: Redis, birth: str = BIRTH, silent: float = 0) -> None:
    seen = utcformat(now() - timedelta(seconds=silent))
    redis.hset("rq:worker:a", mapping={"birth": birth, "last_heartbeat": seen})


def count(redis: Redis) -> int:
    return count_abandoned(redis, JobRecorder(5, 5), "mail")


@pytest.mark.parametrize(
    ("birth", "silent", "time_left", "found"),
    [
        pytest.param(BIRTH, 0, math.inf, 0, id="alive"),
        pytest.param("2026-11-25T00:00:00.000000Z", 0, math.inf, 1, id="a later worker of the same name"),
        pytest.param(BIRTH, 71, math.inf, 1, id="does not report any more"),
        pytest.param(BIRTH, 0, -1, 1, id="RQ has ended the job by force"),
        pytest.param(BIRTH, 0, 60, 0, id="alive, with time left"),
    ],
)
def test_an_execution_is_abandoned_if_its_worker_is_dead_replaced_or_overdue(
    redis_client: Redis, birth: str, silent: float, time_left: float, found: int
) -> None:
    list_as_running(redis_client, deadline=time.time() + time_left)
    reports(redis_client, birth, silent)
    assert count(redis_client) == found


@pytest.mark.parametrize(
    ("status", "time_left", "found"),
    [("canceled", 60, 0), ("canceled", -1, 1), (None, 60, 0), ("failed", 60, 1), ("queued", 60, 1)],
)
def test_a_cancelled_or_deleted_job_is_abandoned_only_after_its_deadline(
    redis_client: Redis, status: str | None, time_left: float, found: int
) -> None:
    list_as_running(redis_client, deadline=time.time() + time_left)
    if status:
        redis_client.hset("rq:job:job", "status", status)
    assert count(redis_client) == found


def test_only_one_worker_searches_for_abandoned_jobs_at_a_time(redis_client: Redis) -> None:
    for execution, found in (("one", 1), ("two", 0)):
        list_as_running(redis_client, execution, deadline=0)
        reports(redis_client)
        assert count(redis_client) == found


class StartsBetweenReads(Redis):
    """A client that starts another execution between two of its reads."""

    def zrange(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().zrange(*args, **kwargs)
        self._start()
        return answer

    def hgetall(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().hgetall(*args, **kwargs)
        self._start()
        return answer

    def _start(self) -> None:
        if not self.exists("begun"):
            self.set("begun", 1)
            list_as_running(self, "late", job="late")
            self.zadd(STARTED, {"late:late": math.inf})
            self.hset("rq:job:late", "status", "started")


def test_an_execution_that_starts_during_the_search_is_not_abandoned(redis_client: Redis) -> None:
    list_as_running(redis_client, "first", job="first")
    redis_client.zadd(STARTED, {"first:first": math.inf})
    racing = StartsBetweenReads(connection_pool=redis_client.connection_pool)
    assert count(racing) == 0
    assert redis_client.hexists(running_key("mail"), "late")


def test_a_worker_searches_its_own_queues_and_those_without_workers(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    reports(redis_client, "2026-11-25T00:00:00.000000Z")
    for queue in ("mail", "sms", "post"):
        list_as_running(redis_client, queue, queue=queue)
        redis_client.sadd(MONITORED_QUEUES_KEY, queue)
    redis_client.srem(MONITORED_QUEUES_KEY, "sms")

    start_worker("mail", "sms").clean_registries()

    assert [ends(redis_client, queue) for queue in ("mail", "sms", "post")] == [
        {("app.send", "abandoned"): 1}
    ] * 3


def test_prune_removes_abandoned_executions_that_no_worker_will_count(redis_client: Redis) -> None:
    list_as_running(redis_client, "lost")
    list_as_running(redis_client, "current", job="in-hand")
    redis_client.zadd(STARTED, {"in-hand:current": math.inf})
    redis_client.sadd(MONITORED_QUEUES_KEY, "mail")
    problems: list[str] = []

    assert list(prune(redis_client, 30 * DAY, problems.append)) == [Pruned("mail", "app.send", "running")]
    assert redis_client.hkeys(running_key("mail")) == [b"current"]
    assert redis_client.smembers(MONITORED_QUEUES_KEY) == {b"mail"}  # one job still runs there
    assert problems == []


def lose_at_its_start(redis: Redis, queue: Queue, start_worker: StartWorker, job: Job) -> None:
    """Leave a job whose worker died after it recorded the start, before its work horse began."""
    redis.lmove(queue.key, queue.intermediate_queue_key)
    lost = start_worker("mail")
    lost.prepare_execution(job)
    entries: Any = redis.zrange(STARTED, 0, -1)
    redis.zadd(STARTED, dict.fromkeys(entries, 1))
    redis.delete(lost.key)


def find_again(redis: Redis, queue: Queue, worker: MonitoredWorker, job: Job) -> None:
    """Make RQ find the job a minute after it saw it in the intermediate queue."""
    redis.set(queue.intermediate_queue.get_first_seen_key(job.id), time.time() - 61)
    redis.delete(search_lock_key("mail"))
    worker.clean_registries()


def test_an_abandoned_job_that_rq_finds_twice_is_counted_once(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    """Its worker died after it recorded the start, before its work horse began."""
    job = queue.enqueue("app.send")
    lose_at_its_start(redis_client, queue, start_worker, job)
    worker = start_worker("mail")

    worker.clean_registries()
    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}
    for _ in range(2):
        find_again(redis_client, queue, worker, job)

    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}
    assert job.get_status() == "failed"
    assert running(redis_client, "mail") == 0
    assert queue.intermediate_queue.get_job_ids() == []


def test_an_abandoned_job_that_rq_finds_after_us_is_counted_once(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    """RQ's registry has lost the start, so RQ finds the job in the intermediate queue only."""
    job = queue.enqueue("app.send")
    lose_at_its_start(redis_client, queue, start_worker, job)
    redis_client.delete(STARTED)
    worker = start_worker("mail")

    worker.clean_registries()
    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}
    find_again(redis_client, queue, worker, job)

    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}
    assert job.get_status() == "failed"


def test_a_job_that_is_abandoned_again_after_its_retry_is_counted_again(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    job = queue.enqueue("app.send", retry=Retry(2))
    lose_at_its_start(redis_client, queue, start_worker, job)
    worker = start_worker("mail")
    worker.clean_registries()
    find_again(redis_client, queue, worker, job)
    assert (job.get_status(), queue.job_ids) == ("queued", [job.id])
    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 1}

    redis_client.lmove(queue.key, queue.intermediate_queue_key)
    find_again(redis_client, queue, worker, job)

    assert ends(redis_client, "mail") == {("app.send", "abandoned"): 2}


def test_a_job_that_never_started_counts_each_time_it_is_enqueued(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker("mail")
    job = queue.enqueue("app.send")
    for times in (1, 2):
        redis_client.lmove(queue.key, queue.intermediate_queue_key)
        find_again(redis_client, queue, worker, job)
        assert ends(redis_client, "mail") == {("app.send", "abandoned"): times}
        job.requeue()

"""A lost registration comes back with the next heartbeat, at no cost; ghosts are removed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from typing import Any, ClassVar

import pytest
from redis import Redis
from redis.connection import Connection, ConnectionPool
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.utils import now
from rq.worker import WorkerStatus

from proofs.harness.waiting import wait_until
from rq_mon.catalogue import MONITORED_WORKER_FIELD, WORKER_VERSION_FIELD
from rq_mon.state.live import live_workers
from rq_mon.worker import registration
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from tests.harness.workers import StartWorker, workers_now
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.processes import RQ

QUEUES = ("mail", "sms")
SETS = ("rq:workers", "rq:workers:mail", "rq:workers:sms")


def known(redis: Redis, key: str) -> tuple[dict[bytes, bytes], list[Any]]:
    """What Redis knows about a worker, except for the time of its heartbeat, and which sets list it."""
    fields: Any = redis.hgetall(key)
    fields.pop(b"last_heartbeat", None)
    return fields, [redis.sismember(name, key) for name in SETS]


def flush(redis: Redis, key: str) -> None:
    redis.flushall()


def expire(redis: Redis, key: str) -> None:
    redis.delete(key)


def expire_and_be_cleaned_up(redis: Redis, key: str) -> None:
    redis.delete(key)
    for name in SETS:
        redis.srem(name, key)


def evict_sets(redis: Redis, key: str) -> None:
    redis.delete(*SETS)


def restore_an_older_state(redis: Redis, key: str) -> None:
    redis.hset(key, mapping={"state": "suspended", "birth": "2026-01-01T00:00:00.000000Z"})
    redis.hdel(key, MONITORED_WORKER_FIELD, WORKER_VERSION_FIELD, "queues")
    redis.srem(SETS[2], key)


LOSSES = pytest.mark.parametrize(
    "lose", [flush, expire, expire_and_be_cleaned_up, evict_sets, restore_an_older_state]
)
Lose = Callable[[Redis, str], None]


@LOSSES
@pytest.mark.parametrize("kind", [MonitoredWorker, MonitoredSimpleWorker])
def test_an_idle_worker_registers_again_with_its_next_heartbeat(
    redis_client: Redis,
    start_worker: StartWorker,
    lose: Lose,
    kind: type[MonitoredWorker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RQ_MON_VERSION", "1.4.2")
    worker = start_worker(*QUEUES, kind=kind)
    worker.set_state(WorkerStatus.IDLE)
    before = known(redis_client, worker.key)
    assert before[1] == [True] * 3
    assert {b"birth", b"queues", b"pid", b"hostname", b"state", b"monitored"} <= before[0].keys()

    lose(redis_client, worker.key)
    worker.heartbeat()

    assert known(redis_client, worker.key) == before
    assert 0 < redis_client.ttl(worker.key) <= worker.worker_ttl + 60  # type: ignore[operator]
    assert live_workers(redis_client, "sms") == [worker.key]
    (seen,) = workers_now(redis_client)
    assert (seen.state, seen.queues, seen.is_monitored) == ("idle", QUEUES, True)
    assert seen.version == "1.4.2"


@LOSSES
def test_a_busy_worker_registers_again_with_its_job(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, lose: Lose
) -> None:
    worker = start_worker(*QUEUES)
    job = queue.enqueue(jobs.succeed, job_timeout=-1)
    execution = worker.prepare_execution(job)
    worker.prepare_job_execution(job)

    lose(redis_client, worker.key)
    stored: Any = job.to_dict()
    redis_client.hset(job.key, mapping=stored)
    maintain = getattr(worker, "executions", None)
    worker.maintain_heartbeats(job, *([] if maintain is None else [execution]))

    assert known(redis_client, worker.key)[1] == [True] * 3
    (seen,) = workers_now(redis_client)
    assert (seen.state, seen.job_id, seen.is_monitored) == ("busy", job.id.encode(), True)
    worker.set_state(WorkerStatus.IDLE)
    (seen,) = workers_now(redis_client)
    assert (seen.state, seen.job_id) == ("idle", None)
    assert not redis_client.hexists(worker.key, "current_job")
    assert not redis_client.exists(f"{worker.key}:executions")


def test_a_worker_between_jobs_registers_again_after_redis_was_flushed(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker(*QUEUES, kind=MonitoredSimpleWorker)
    before = known(redis_client, worker.key)
    worker._has_run_jobs = True

    redis_client.flushall()
    worker.heartbeat()

    assert known(redis_client, worker.key) == before


@pytest.mark.slow
def test_a_worker_process_registers_again_while_its_job_runs(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.wait_for_release)
    with rq.start(
        "worker", "--worker-class", "rq_mon.MonitoredWorker", "--job-monitoring-interval", "1", *QUEUES
    ):
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        redis_client.flushall()
        wait_until(lambda: len(live_workers(redis_client, "sms")) == 1, "the worker to come back")
        (seen,) = workers_now(redis_client)
        assert (seen.state, seen.queues, seen.is_monitored) == ("busy", QUEUES, True)
        redis_client.set("release", 1)
        wait_until(lambda: workers_now(redis_client)[0].state == "idle", "the job to end")


@pytest.mark.slow
def test_a_simple_worker_registers_again_after_a_long_job(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    """It sends no heartbeats while the job runs, so its key may expire."""
    queue.enqueue(jobs.wait_for_release, job_timeout=-1)
    with rq.start_worker(*QUEUES, worker_class="rq_mon.MonitoredSimpleWorker"):
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        (seen,) = workers_now(redis_client)
        expire_and_be_cleaned_up(redis_client, seen.key.decode())
        redis_client.set("release", 1)
        wait_until(lambda: len(live_workers(redis_client, "sms")) == 1, "the worker to come back")
        wait_until(
            lambda: [worker.state for worker in workers_now(redis_client)] == ["idle"], "it to be idle"
        )


def test_a_worker_that_signed_off_does_not_register_again(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker("mail")
    worker.register_death()
    worker.heartbeat()
    assert known(redis_client, worker.key)[1] == [False] * 3
    assert redis_client.hexists(worker.key, "death")


def test_a_heartbeat_sets_the_expiry_that_rq_gives_it(redis_client: Redis, start_worker: StartWorker) -> None:
    worker = start_worker("mail")
    worker.heartbeat(500)
    assert 490 < redis_client.ttl(worker.key) <= 500  # type: ignore[operator]


def test_after_a_short_job_a_second_heartbeat_is_sent_only_if_it_extends_the_expiry(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker("mail", kind=MonitoredSimpleWorker)
    worker.execute_job(queue.enqueue(jobs.succeed), queue)
    redis_client.expire(worker.key, 20)
    worker.heartbeat(300)
    assert redis_client.ttl(worker.key) <= 20, "it does not wait for the next one"  # type: ignore[operator]

    kept_for: list[Any] = []
    for timeout in (300, 200, 400):
        worker.heartbeat(timeout)
        kept_for.append(redis_client.ttl(worker.key))
    assert [round(seconds, -1) for seconds in kept_for] == [300, 300, 400]

    def is_kept_again() -> bool:
        worker.heartbeat(300)
        seconds: Any = redis_client.ttl(worker.key)
        return bool(seconds > 10)

    redis_client.expire(worker.key, 10)
    wait_until(is_kept_again, "a heartbeat to be due")


@pytest.mark.parametrize(("seconds_ago", "is_reported"), [(0.0, False), (1.5, True)])
def test_the_end_of_a_job_sends_a_heartbeat_unless_the_job_has_just_begun(
    queue: Queue, start_worker: StartWorker, seconds_ago: float, is_reported: bool
) -> None:
    worker, job = start_worker("mail"), queue.enqueue(jobs.succeed)
    begun = now() - timedelta(seconds=seconds_ago)
    job.heartbeat(begun, 60)

    worker.handle_execution_ended(job, queue, 60)

    assert job.ended_at is not None
    assert job.ended_at > begun
    assert (Job.fetch(job.id, job.connection).last_heartbeat != begun) == is_reported


@pytest.mark.skipif(version("rq").startswith("3."), reason="RQ 3 does not write it")
def test_the_working_time_of_the_current_job_is_written_and_reset(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker("mail")
    written: list[Any] = []
    for seconds in (31.5, 0):
        worker.set_current_job_working_time(seconds)
        written.append(redis_client.hget(worker.key, "current_job_working_time"))
    assert written == [b"31.5", b"0"]


# --- cost -------------------------------------------------------------------------------------------------


class CountingConnection(Connection):
    """Counts round trips: redis-py sends each command or pipeline at once."""

    sent: ClassVar[int] = 0

    def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        CountingConnection.sent += 1
        super().send_packed_command(*args, **kwargs)  # type: ignore[no-untyped-call]


@pytest.fixture
def counting(redis_client: Redis) -> Iterator[Redis]:
    options = {**redis_client.connection_pool.connection_kwargs, "health_check_interval": 0}
    with Redis(connection_pool=ConnectionPool(CountingConnection, **options)) as client:
        client.ping()
        yield client


def round_trips(client: Redis, kind: type[SimpleWorker], many: int) -> int:
    queue = Queue("mail", connection=client)
    for _ in range(many):
        queue.enqueue(jobs.succeed)
    before = CountingConnection.sent
    kind([queue], connection=client).work(burst=True)
    return CountingConnection.sent - before


def test_a_job_costs_no_more_round_trips_than_with_rqs_worker(counting: Redis) -> None:
    """The difference between 12 jobs and 2, which leaves out what a worker sends when it starts."""
    per_job = {
        kind: (round_trips(counting, kind, 12) - round_trips(counting, kind, 2)) / 10
        for kind in (SimpleWorker, MonitoredSimpleWorker)
    }
    assert per_job[MonitoredSimpleWorker] <= per_job[SimpleWorker]


def test_a_heartbeat_costs_one_round_trip(counting: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(*QUEUES, connection=counting)
    before = CountingConnection.sent
    worker.heartbeat()
    assert CountingConnection.sent - before == 1


def test_registering_again_does_not_set_the_heartbeat_back(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker(*QUEUES)

    def heartbeat() -> str:
        worker.heartbeat()
        reported: Any = redis_client.hget(worker.key, "last_heartbeat")
        return str(reported.decode())

    first, second, third = heartbeat(), heartbeat(), heartbeat()

    assert first < second < third


def test_between_jobs_in_quick_succession_heartbeats_do_not_register(
    redis_client: Redis, start_worker: StartWorker, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "SECONDS_BETWEEN_REGISTRATIONS", 600.0)
    worker = start_worker("mail", kind=MonitoredSimpleWorker)
    for _ in range(2):
        worker.execute_job(queue.enqueue(jobs.succeed), queue)
        worker.check_for_suspension(burst=False)
    worker._heartbeat_at = -math.inf
    redis_client.config_resetstat()

    worker.heartbeat()

    commands: Any = redis_client.info("commandstats")
    assert commands["cmdstat_hset"]["calls"] == 1
    assert "cmdstat_sadd" not in commands


def test_a_hash_lost_between_jobs_in_quick_succession_comes_back_with_the_next_heartbeat(
    redis_client: Redis, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a heartbeat does not normally register."""
    monkeypatch.setattr(registration, "SECONDS_BETWEEN_REGISTRATIONS", 600.0)
    worker = start_worker(*QUEUES, kind=MonitoredSimpleWorker)
    worker.set_state(WorkerStatus.IDLE)
    worker.heartbeat()
    before = known(redis_client, worker.key)
    worker._has_run_jobs = True
    redis_client.delete(worker.key)

    worker.heartbeat()

    assert known(redis_client, worker.key) == before


@pytest.mark.parametrize("lose", [flush, expire, expire_and_be_cleaned_up])
def test_after_a_job_the_state_is_written_with_the_next_heartbeat_and_a_lost_hash_comes_back(
    redis_client: Redis, start_worker: StartWorker, queue: Queue, monkeypatch: pytest.MonkeyPatch, lose: Lose
) -> None:
    monkeypatch.setattr(registration, "SECONDS_BETWEEN_REGISTRATIONS", 600.0)
    worker = start_worker(*QUEUES, kind=MonitoredSimpleWorker)
    states: list[Any] = []
    for is_lost in (False, True):
        worker.execute_job(queue.enqueue(jobs.succeed), queue)
        states.append(redis_client.hget(worker.key, "state"))
        if is_lost:
            lose(redis_client, worker.key)
        worker.heartbeat()
        worker.check_for_suspension(burst=False)
        states.append(redis_client.hget(worker.key, "state"))

    assert states == [b"busy", b"idle", b"busy", b"idle"]
    assert known(redis_client, worker.key)[1] == [True] * 3


# --- ghosts ------------------------------------------------------------------------------------------------

NEVER, SOON = -1, 50


@pytest.mark.parametrize(
    ("fields", "expires", "stays"),
    [
        ({"current_job_working_time": "0"}, NEVER, False),
        ({"state": "idle", "total_working_time": "1.5"}, NEVER, False),
        ({"state": "idle"}, SOON, False),
        ({"last_heartbeat": "2026-01-01T00:00:00.000000Z"}, NEVER, False),
        ({"last_heartbeat": "2026-01-01T00:00:00.000000Z"}, SOON, True),  # it may be a plain worker
        ({"birth": "2026-01-01T00:00:00.000000Z", "queues": "sms"}, NEVER, True),
    ],
)
def test_hashes_that_cannot_be_workers_are_removed(
    redis_client: Redis, start_worker: StartWorker, fields: dict[Any, Any], expires: int, stays: bool
) -> None:
    ghost = "rq:worker:ghost"
    worker = start_worker(*QUEUES)
    redis_client.hset(ghost, mapping=fields)
    if expires != NEVER:
        redis_client.expire(ghost, expires)
    redis_client.sadd("rq:workers", ghost)
    redis_client.sadd("rq:workers:sms", ghost)

    worker.clean_registries()

    assert redis_client.exists(ghost) == stays
    listed = {ghost.encode(), worker.key.encode()} if stays else {worker.key.encode()}
    assert redis_client.smembers("rq:workers") == redis_client.smembers("rq:workers:sms") == listed


def test_maintenance_goes_on_even_if_a_workers_key_is_no_hash(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker(*QUEUES)
    redis_client.set("rq:worker:foreign", "text")
    redis_client.hset("rq:worker:ghost", "state", "idle")
    redis_client.sadd("rq:workers", "rq:worker:foreign", "rq:worker:ghost")
    worker.clean_registries()
    assert redis_client.get("rq:worker:foreign") == b"text"
    assert not redis_client.exists("rq:worker:ghost")

"""A worker's horses share one connection, and none notices what a job did to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import BlockingConnectionPool, ConnectionPool, Redis
from rq import Callback, Queue

from proofs.harness.redis_server import RedisServer
from rq_mon.worker import lent_connection
from rq_mon.worker.lent_connection import LentConnection
from rq_mon.worker.monitored_worker import MonitoredWorker
from scheduler.supervised_worker import SupervisedWorker
from tests.harness.tls_redis import Certificates, TlsRedisServer
from tests.harness.workers import StartWorker, workers_of
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends

FORKING = pytest.mark.parametrize("kind", [MonitoredWorker, SupervisedWorker])


@pytest.fixture(autouse=True)
def is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(lent_connection, "KEPT_SECONDS", 600.0)


def run(worker: Any, function: Callable[..., Any], **options: Any) -> int:
    """Run a job, and return how many connections Redis got meanwhile."""
    before = accepted(worker.connection)
    queue = Queue(worker.queues[0].name, connection=worker.connection)
    job = queue.enqueue(function, **options)
    queue.remove(job.id)
    worker.execute_job(job, worker.queues[0])
    worker.check_for_suspension(burst=False)  # as the worker's loop does next
    return accepted(worker.connection) - before


def accepted(redis: Redis) -> int:
    number: int = redis.info("stats")["total_connections_received"]  # type: ignore[index]
    return number


@FORKING
def test_work_horses_use_one_connection_one_after_the_other(start_worker: StartWorker, kind: Any) -> None:
    worker = start_worker("mail", kind=kind)
    assert [run(worker, jobs.succeed) for _ in range(3)] == [1, 0, 0]
    assert ends(worker.connection, "mail") == {("succeed", "success"): 3}


def test_after_a_pause_a_work_horse_gets_a_new_connection(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start_worker("mail")
    monkeypatch.setattr(lent_connection, "KEPT_SECONDS", -1.0)
    assert [run(worker, jobs.succeed) for _ in range(2)] == [1, 1]


@FORKING
@pytest.mark.parametrize(
    ("function", "options", "outcome"),
    [
        (jobs.select_another_database, {}, "success"),
        (jobs.select_in_a_thread, {}, "success"),
        (jobs.succeed_again, {"on_success": Callback(jobs.select_in_callback)}, "success"),
        (jobs.fail_and_select, {}, "failed"),
        (jobs.fail, {"on_failure": Callback(jobs.select_in_callback)}, "failed"),
    ],
    ids=["function", "thread", "success callback", "failing function", "failure callback"],
)
def test_what_a_job_does_to_its_connection_does_not_reach_the_next_job(
    redis_client: Redis, start_worker: StartWorker, kind: Any, function: Any, options: Any, outcome: str
) -> None:
    worker = start_worker("mail", kind=kind)
    run(worker, jobs.succeed)
    run(worker, function, **options)
    run(worker, jobs.succeed)

    counted = ends(redis_client, "mail")
    assert counted["succeed", "success"] == 2
    assert counted.get((function.__name__, outcome), 1) == 1


@FORKING
@pytest.mark.parametrize(
    ("function", "options"),
    [
        (jobs.kill_work_horse, {}),
        (jobs.exit_work_horse, {}),
        (jobs.fail, {}),
        (jobs.overrun, {"job_timeout": 1}),
    ],
    ids=["killed", "exited", "failed", "out of time"],
)
def test_only_a_work_horse_whose_job_succeeded_returns_the_connection(
    redis_client: Redis, start_worker: StartWorker, kind: Any, function: Any, options: Any
) -> None:
    worker = start_worker("mail", kind=kind)
    run(worker, function, **options)

    assert [run(worker, jobs.succeed) for _ in range(2)] == [1, 0]
    assert ends(redis_client, "mail") == {(function.__name__, "failed"): 1, ("succeed", "success"): 2}


def test_a_connection_that_redis_closed_between_two_jobs_is_replaced(
    redis_client: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker("mail")
    run(worker, jobs.succeed)
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]

    for _ in range(2):
        run(worker, jobs.succeed)

    assert ends(redis_client, "mail") == {("succeed", "success"): 3}
    assert run(worker, jobs.succeed) == 0


def test_without_redis_a_work_horse_starts_without_a_connection(own_redis: RedisServer) -> None:
    """It has the time to wait for Redis, which its worker has not."""
    pool = ConnectionPool.from_url(own_redis.url)
    lent = LentConnection()
    lent.prepare(pool)
    assert not lent.use_in(pool)


def test_a_worker_that_drops_the_connection_does_not_cut_off_a_work_horse_that_runs(
    redis_client: Redis, redis_server: RedisServer
) -> None:
    client = Redis.from_url(redis_server.url)
    lent = LentConnection()
    lent.prepare(client.connection_pool)
    may_go_on, say = os.pipe()
    before = accepted(redis_client)

    work_horse = os.fork()
    if not work_horse:
        is_used = lent.use_in(client.connection_pool)
        os.read(may_go_on, 1)
        client.set("alive", 1)
        os._exit(0 if is_used else 1)
    lent.drop()
    os.write(say, b".")

    assert os.waitstatus_to_exitcode(os.waitpid(work_horse, 0)[1]) == 0
    assert redis_client.get("alive") == b"1"
    assert accepted(redis_client) == before
    client.close()


@contextmanager
def over_tls(_url: str, folder: Path) -> Iterator[Redis]:
    certificates = Certificates(folder / "certificates", "127.0.0.1")
    with (
        TlsRedisServer(folder, certificates) as server,
        Redis.from_url(server.url, ssl_ca_certs=str(certificates.ca)) as client,
    ):
        yield client


@contextmanager
def with_blocking_pool(url: str, _folder: Path) -> Iterator[Redis]:
    with Redis.from_pool(BlockingConnectionPool.from_url(url)) as client:
        yield client


@pytest.mark.parametrize("connected", [over_tls, with_blocking_pool])
def test_connections_that_cannot_be_lent_are_opened_by_each_work_horse(
    redis_server: RedisServer, tmp_path: Path, connected: Any
) -> None:
    with connected(redis_server.url, tmp_path) as client, workers_of(client) as start_worker:
        client.flushall()
        worker = start_worker("mail")
        assert [run(worker, jobs.succeed) for _ in range(2)] == [1, 1]
        assert ends(client, "mail") == {("succeed", "success"): 2}


def test_a_job_may_use_as_many_connections_as_without_it(redis_server: RedisServer) -> None:
    """Two at most: the worker's, and that of its subscription."""
    with Redis.from_url(redis_server.url, max_connections=2) as client, workers_of(client) as start_worker:
        client.flushall()
        worker = start_worker("mail")
        for _ in range(3):
            run(worker, jobs.change_meta)
        assert ends(client, "mail") == {("change_meta", "success"): 3}

"""Redis down, frozen, loading, locked or replaced: a true answer within 2 s, and no restart."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from redis import Redis
from rq import Queue

from proofs.harness.exporter_process import Exporter, Response, running_exporter
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from tests.rq_mon.exporter import jobs

pytestmark = pytest.mark.slow

LIMIT = 10.0
"""Seconds: the exporter needs less than two on an idle machine.

Without its own limit it would take the minute
for which the tests wait.
"""
SERVED_IN_AN_OUTAGE = ("rq_redis_up", "rq_exporter_", "rq_request_processing_seconds")
QUEUED = {"queue": "mail", "status": "queued"}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests here. Each test may break it, and repairs it for the next one."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def long_running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One exporter for all tests here, started before Redis and never restarted."""
    with running_exporter(redis.url, tmp_path_factory.mktemp("exporter")) as exporter:
        assert exporter.get().value("rq_redis_up") == 0
        yield exporter


@pytest.fixture
def exporter(redis: RedisServer, long_running: Exporter) -> Exporter:
    """The exporter of a fresh Redis with one job."""
    redis.kill()
    redis.options = ()
    redis.start()
    with Redis(port=redis.port) as client:
        client.flushall()
        Queue("mail", connection=client).enqueue(jobs.succeed)
    _assert_healthy(long_running)
    return long_running


def _assert_healthy(exporter: Exporter) -> None:
    wait_until(lambda: exporter.get().value("rq_jobs", **QUEUED) == 1, "the job in a scrape")
    wait_until(lambda: exporter.get("/readyz").status == 200, "the exporter to be ready")


def _with_redis(exporter: Exporter) -> Response | None:
    """A scrape that Redis has answered; on a busy machine the answer may be too late."""
    scrape = exporter.get()
    return scrape if scrape.value("rq_redis_up") == 1 else None


def _errors(scrape: Response, reason: str) -> float:
    count = scrape.value("rq_exporter_errors_total", reason=reason)
    assert count is not None
    return count


def _assert_outage(exporter: Exporter, reason: str) -> None:
    """Two scrapes in time that contain the reason of the outage and nothing else."""
    first, second = exporter.get(), exporter.get()
    assert max(first.seconds, second.seconds) < LIMIT
    assert _errors(second, reason) == _errors(first, reason) + 1
    for scrape in (first, second):
        assert scrape.status == 200
        assert scrape.value("rq_redis_up") == 0
        ours = {name for name in scrape.names() if name.startswith("rq_")}
        assert all(name.startswith(SERVED_IN_AN_OUTAGE) for name in ours), ours
    assert exporter.get("/healthz").status == 200
    readiness = exporter.get("/readyz")
    assert readiness.status == 503
    assert readiness.seconds < LIMIT


def test_recovers_when_redis_stops_and_returns_empty(exporter: Exporter, redis: RedisServer) -> None:
    redis.kill()
    _assert_outage(exporter, "unreachable")

    redis.start()

    scrape = wait_until(lambda: _with_redis(exporter), "Redis in a scrape")
    assert scrape is not None
    assert "rq_jobs" not in scrape.names()


def test_survives_a_restart_of_redis_between_two_scrapes(exporter: Exporter, redis: RedisServer) -> None:
    before = _errors(exporter.get(), "unreachable")
    redis.kill()
    redis.start()

    scrape = wait_until(lambda: _with_redis(exporter), "Redis in a scrape")
    assert scrape is not None
    assert _errors(scrape, "unreachable") == before


def test_recovers_when_redis_was_frozen(exporter: Exporter, redis: RedisServer) -> None:
    redis.signal(signal.SIGSTOP)
    _assert_outage(exporter, "timeout")

    redis.signal(signal.SIGCONT)

    _assert_healthy(exporter)


def test_scrapes_of_a_frozen_redis_wait_together_and_leave_no_threads(
    exporter: Exporter, redis: RedisServer
) -> None:
    process = psutil.Process(exporter.process.pid)
    threads = process.num_threads()
    redis.signal(signal.SIGSTOP)

    with ThreadPoolExecutor(20) as pool:
        scrapes = list(pool.map(lambda _: exporter.get(), range(60)))

    assert {scrape.value("rq_redis_up") for scrape in scrapes} == {0}
    assert max(scrape.seconds for scrape in scrapes) < LIMIT
    wait_until(lambda: process.num_threads() <= threads, "threads to end")
    redis.signal(signal.SIGCONT)
    _assert_healthy(exporter)


def test_reports_that_redis_is_loading(exporter: Exporter, redis: RedisServer) -> None:
    with Redis(port=redis.port) as client, client.pipeline(transaction=False) as pipeline:
        for i in range(3000):
            pipeline.set(f"rq:filler:{i}", "x" * 100)
        pipeline.save()
        pipeline.execute()
    redis.kill()
    # Redis' options for tests: wait 1 ms for each key, and answer between keys.
    redis.options = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    loading = threading.Thread(target=redis.start)

    loading.start()

    wait_until(lambda: _errors(exporter.get(), "loading"), "Redis to load")
    _assert_outage(exporter, "loading")
    loading.join()
    _assert_healthy(exporter)


@pytest.mark.parametrize("given", ["", ":wrong@"], ids=["none", "wrong"])
def test_reports_a_refused_password_until_redis_accepts_it(
    exporter: Exporter, redis: RedisServer, tmp_path: Path, given: str
) -> None:
    with (
        Redis(port=redis.port) as client,
        running_exporter(f"redis://{given}127.0.0.1:{redis.port}/0", tmp_path) as other,
    ):
        client.config_set("requirepass", "right")
        client.client_kill_filter(_type="normal", skipme=True)
        _assert_outage(other, "authentication")

        client.config_set("requirepass", given.strip(":@"))

        _assert_healthy(other)


def test_reports_that_its_user_may_not_read_the_keys(
    exporter: Exporter, redis: RedisServer, tmp_path: Path
) -> None:
    with Redis(port=redis.port) as client:
        client.acl_setuser("blind", enabled=True, passwords=["+x"], categories=["+@all"], keys=["other:*"])

    with running_exporter(f"redis://blind:x@127.0.0.1:{redis.port}/0", tmp_path) as other:
        scrape = other.get()

    assert scrape.value("rq_redis_up") == 0
    assert _errors(scrape, "permission") == 1


def test_reports_redis_down_if_the_server_is_no_redis(exporter: Exporter, tmp_path: Path) -> None:
    with running_exporter(f"redis://127.0.0.1:{exporter.port}/0", tmp_path) as other:
        scrape = other.get()

    assert scrape.seconds < LIMIT
    assert scrape.value("rq_redis_up") == 0
    assert _errors(scrape, "internal") == 0


def test_reports_a_timeout_if_the_address_never_answers(exporter: Exporter, tmp_path: Path) -> None:
    # If the queue of new connections is full, the kernel does not answer the next ones.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(address)
        with running_exporter(f"redis://127.0.0.1:{address[1]}/0", tmp_path) as other:
            _assert_outage(other, "timeout")
        for connection in waiting:
            connection.close()


def test_outage_and_its_end_are_logged_once_each(exporter: Exporter, redis: RedisServer) -> None:
    before = exporter.log
    redis.kill()
    _assert_outage(exporter, "unreachable")
    redis.start()
    exporter.get()

    logged = exporter.log.removeprefix(before)
    assert logged.count("Redis cannot be read") == 1
    assert logged.count("Redis can be read again") == 1


def test_sigterm_ends_it_at_once_while_a_scrape_waits(
    exporter: Exporter, redis: RedisServer, tmp_path: Path
) -> None:
    with running_exporter(redis.url, tmp_path) as other, ThreadPoolExecutor(1) as pool:
        idle = psutil.Process(other.process.pid).num_threads()
        redis.signal(signal.SIGSTOP)
        scrape = pool.submit(other.get)
        wait_until(lambda: psutil.Process(other.process.pid).num_threads() > idle, "the scrape", every=0.01)

        assert other.stop(signal.SIGTERM) == 0
        # If it had waited for Redis, there would be an answer.
        assert isinstance(scrape.exception(), ConnectionError)

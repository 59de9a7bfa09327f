from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rq import Worker

from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from rq_mon import catalogue
from rq_mon.connection.client import connect
from rq_mon.cron.liveness import announce, scheduler_name, withdraw
from rq_mon.health import main
from rq_mon.state.live import live_schedulers, live_workers
from scheduler.supervised_worker import worker_name

Output = pytest.CaptureFixture[str]


@pytest.fixture
def worker(redis_client: Any) -> Worker:
    worker = Worker(["short-running"], name="mine", connection=redis_client)
    worker.register_birth()  # type: ignore[no-untyped-call]
    return worker


def test_a_queue_with_a_worker_is_healthy(redis_client: Any, worker: Worker, capsys: Output) -> None:
    assert main(["worker", "short-running"]) == 0
    assert capsys.readouterr().out == "healthy: 1 live workers that listen to short-running\n"


def test_a_queue_without_a_worker_is_unhealthy(redis_client: Any, worker: Worker, capsys: Output) -> None:
    assert main(["worker", "long-running"]) == 1
    assert capsys.readouterr().out == "unhealthy: 0 live workers that listen to long-running\n"


def test_a_worker_that_has_ended_does_not_count(redis_client: Any, worker: Worker) -> None:
    redis_client.hset(worker.key, "death", "2025-06-01T12:00:00Z")

    assert live_workers(redis_client, "short-running") == []


def test_a_worker_without_heartbeats_does_not_count(redis_client: Any, worker: Worker) -> None:
    redis_client.delete(worker.key)

    assert live_workers(redis_client, "short-running") == []


def test_cron_is_healthy_while_a_cron_scheduler_sends_heartbeats(redis_client: Any, capsys: Output) -> None:
    assert main(["cron"]) == 1
    announce(redis_client, "one")
    assert main(["cron"]) == 0
    withdraw(redis_client, "one")
    assert main(["cron"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "unhealthy: 0 live cron schedulers; no cron scheduler has reported yet",
        "healthy: 1 live cron schedulers",
        "unhealthy: 0 live cron schedulers; no cron scheduler has reported yet",
    ]


def test_a_silent_cron_scheduler_has_another_message_than_none_at_all(
    redis_client: Any, capsys: Output
) -> None:
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"older": 1_700_000_005, "newer": 1_700_000_015})

    assert main(["cron"]) == 1

    said = "no cron scheduler has reported since 2023-11-14 22:13:20 UTC"
    assert capsys.readouterr().out == f"unhealthy: 0 live cron schedulers; {said}\n"


def test_a_cron_scheduler_that_was_killed_is_forgotten(redis_client: Any) -> None:
    redis_client.zadd(catalogue.CRON_SCHEDULERS_KEY, {"killed": time.time() - 1})
    assert live_schedulers(redis_client) == []

    announce(redis_client, "another")

    assert redis_client.zrange(catalogue.CRON_SCHEDULERS_KEY, 0, -1) == [b"another"]


@pytest.mark.parametrize("arguments", [["worker", "short-running"], ["cron"]])
def test_without_redis_nothing_is_healthy(
    monkeypatch: pytest.MonkeyPatch, capsys: Output, arguments: list[str]
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")

    assert main(arguments) == 1
    assert capsys.readouterr().out.startswith("unhealthy: Error 111 connecting to 127.0.0.1")


@pytest.mark.parametrize("host", ["another", f"x{socket.gethostname()}"])
def test_workers_on_other_hosts_count_unless_only_this_host_is_checked(
    redis_client: Any, capsys: Output, host: str
) -> None:
    Worker(["short-running"], name=f"short-running-{host}-1", connection=redis_client).register_birth()  # type: ignore[no-untyped-call]
    announce(redis_client, f"cron-scheduler-{host}-1")

    assert main(["worker", "short-running"]) == main(["cron"]) == 0
    assert main(["--here", "worker", "short-running"]) == main(["--here", "cron"]) == 1
    assert "unhealthy: 0 live cron schedulers on this host\n" in capsys.readouterr().out


def test_workers_on_this_host_are_found(redis_client: Any) -> None:
    name = worker_name(["short-running"])
    Worker(["short-running"], name=name, connection=redis_client).register_birth()  # type: ignore[no-untyped-call]
    announce(redis_client, scheduler_name())

    assert main(["--here", "worker", "short-running"]) == main(["--here", "cron"]) == 0


@pytest.mark.parametrize("arguments", [["worker", "short-running"], ["cron"]])
def test_a_liveness_check_can_tolerate_an_outage_of_redis(
    monkeypatch: pytest.MonkeyPatch, capsys: Output, arguments: list[str]
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")

    assert main(["--here", "--tolerate-outage", *arguments]) == 0
    assert capsys.readouterr().out.startswith("healthy (Redis does not answer): Error 111")


def test_tolerating_outages_does_not_hide_a_missing_worker(redis_client: Any) -> None:
    assert main(["--tolerate-outage", "worker", "short-running"]) == 1


def test_an_invalid_setting_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "localhost")

    assert main(["cron"]) == 1
    assert capsys.readouterr().out.startswith("unhealthy: RQ_REDIS_URL: expected")


@contextmanager
def meanwhile(do: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Do something half a second after the block has begun."""
    timer = threading.Timer(0.5, do, arguments)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_check_with_a_wait_tries_again(redis_client: Any, capsys: Output) -> None:
    with meanwhile(announce, redis_client, "one"):
        assert main(["--wait", "60", "cron"]) == 0
    assert capsys.readouterr().out == "healthy: 1 live cron schedulers\n"

    withdraw(redis_client, "one")
    assert main(["--wait", "0.5", "cron"]) == 1
    assert capsys.readouterr().out.startswith("unhealthy: 0 live cron schedulers")


def test_a_check_with_a_wait_also_waits_for_redis(own_redis: RedisServer, capsys: Output) -> None:
    def start() -> None:
        own_redis.start()
        with connect(own_redis.url) as client:
            announce(client, "one")

    with meanwhile(start):
        assert main(["--wait", "60", "cron"]) == 0
    assert capsys.readouterr().out == "healthy: 1 live cron schedulers\n"


@pytest.mark.parametrize("seconds", ["-1", "61", "nan", "soon"])
def test_a_wait_must_be_0_to_60_seconds(capsys: Output, seconds: str) -> None:
    with pytest.raises(SystemExit):
        main([f"--wait={seconds}", "cron"])
    assert f"expected 0 to 60 seconds, got '{seconds}'" in capsys.readouterr().err


@pytest.mark.slow
def test_exit_codes_of_the_command(redis_client: Any, worker: Worker, project_root: Path) -> None:
    command = [sys.executable, "-m", "rq_mon.health"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], cwd=project_root, env=os.environ, capture_output=True, text=True
        )

    assert run("worker", "short-running").returncode == 0
    assert run("cron").returncode == 1
    assert run("nonsense").returncode == 2
    assert run("cron").stderr == ""

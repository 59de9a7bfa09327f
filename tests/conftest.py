"""Fixtures for all tests, and what happens if a program that a test needs is missing."""

from __future__ import annotations

import logging
import os
import shutil
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.redis_server import RedisServer
from rq_mon.connection.client import connect
from stack.native.programs import NEEDED_BY_TESTS
from tests.harness.environments import built_wheels
from tests.harness.processes import Start, processes_in
from tests.harness.properties import properties
from tests.harness.workers import StartWorker, workers_of

PROGRAMS = {name: program for program in NEEDED_BY_TESTS for name in program.names}
IN_CI = os.environ.get("CI") == "true"

MISSING_PROGRAM = "missing program"
SLOW_SECONDS = 5.0
OTHER_SECONDS = 0.2
"""What a test without a mark may take: a file with many of them should not begin last."""


def _is_installed(name: str) -> bool:
    return bool(PROGRAMS[name].find() if name in PROGRAMS else shutil.which(name))


def pytest_configure() -> None:
    """Set up what all processes that tests start inherit."""
    # Prometheus, promtool and other programs in Go spend a third of their CPU time on saving memory.
    os.environ.setdefault("GOGC", "400")
    # Tests that a shell starts in the background ignore SIGINT, and so would their processes.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests with Redis fixtures as needing Redis, and run files that take long first.

    It runs after `-m` has selected, so tests that do not run cost no time.
    """
    seconds: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        if {"redis_server", "redis_client"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.needs("redis-server"))
        slow = item.get_closest_marker("e2e") or item.get_closest_marker("slow")
        seconds[item.path] += slow.kwargs.get("seconds", SLOW_SECONDS) if slow else OTHER_SECONDS
    # Each test process takes whole files. A long file that started last would run alone at the end.
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: -seconds[item.path])


def pytest_runtest_setup(item: pytest.Item) -> None:
    needed = {program for mark in item.iter_markers("needs") for program in mark.args}
    missing = sorted(program for program in needed if not _is_installed(program))
    if not missing:
        return
    item.user_properties += [(MISSING_PROGRAM, program) for program in missing]
    reason = f"not installed, and could not be: {', '.join(missing)}"
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = Counter(program for name, program in properties(terminalreporter) if name == MISSING_PROGRAM)
    for program, count in sorted(missing.items()):
        verb = "failed" if IN_CI else "skipped"
        terminalreporter.write_line(
            f"{verb}: {count} tests need {program}, which is not installed", yellow=True
        )


@pytest.fixture(autouse=True)
def _logs_of_workers() -> None:
    """Reset RQ's log level, which is global to the process, for each test."""
    logging.getLogger("rq.worker").setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis that the whole session shares; tests that kill or freeze Redis start their own."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_client(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A client of an empty Redis, which RQ_REDIS_URL names for the test and its child processes."""
    monkeypatch.setenv("RQ_REDIS_URL", redis_server.url)
    client = connect(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def project_root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of both distributions, by the names of their packages."""
    return built_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def queue(redis_client: Redis) -> Queue:
    return Queue("mail", connection=redis_client)


@pytest.fixture
def own_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis that a test may kill, not started yet; it keeps its data. RQ_REDIS_URL points to it."""
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    monkeypatch.setenv("RQ_REDIS_URL", server.url)
    yield server
    server.kill()


@pytest.fixture
def start_worker(redis_client: Redis) -> Iterator[StartWorker]:
    """Starts a worker in this process."""
    with workers_of(redis_client) as start_worker:
        yield start_worker


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of this package from the root of the project; it ends with the test."""
    with processes_in(tmp_path) as start:
        yield start

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from proofs.harness.redis_server import RedisServer
from tests.rq_mon.cron.hundred_ticks import HundredTicks
from tests.scheduler.processes import Start, processes_in

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of this package from the root of the project; it ends with the test."""
    with processes_in(tmp_path) as start:
        yield start


@pytest.fixture
def own_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis that a test may kill, not started yet; it keeps its data. RQ_REDIS_URL names it."""
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    monkeypatch.setenv("RQ_REDIS_URL", server.url)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def hundred_ticks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HundredTicks]:
    """A run that takes a hundred seconds; see `_begin_hundred_ticks`."""
    run = HundredTicks(tmp_path_factory.mktemp("hundred-ticks"))
    run.start()
    yield run
    run.abort()


@pytest.fixture(scope="session", autouse=True)
def _begin_hundred_ticks(request: pytest.FixtureRequest) -> None:
    """Let the longest test of this folder run while the others do, if it is to run at all."""
    if any("hundred_ticks" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("hundred_ticks")

"""The running stack for tests that need a Docker engine, and a report of what was not tested."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from proofs.harness.compose_stack import ComposeStack
from rq_mon.connection.client import connect
from stack.compose.docker import Docker
from stack.services import GRAFANA
from stack.variables import REDIS_URL
from tests.harness.properties import properties
from tests.stack.compose.engine import EngineLock
from tests.stack.compose.one_node_swarm import leave_swarm_of_tests

LEFT_OUT = "left out"
grafana_left_out = pytest.StashKey[bool]()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    if item.config.stash.get(grafana_left_out, False):
        item.user_properties.append((LEFT_OUT, GRAFANA.name))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """An engine that leaves a swarm forgets the names of all other containers, so this happens last."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        leave_swarm_of_tests()


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine; without one the test is skipped, or fails with CI=true."""
    if Docker(os.environ).engine_answers():
        return
    reason = "no Docker engine answers on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module", autouse=True)
def engine_lock() -> Iterator[EngineLock]:
    """Keeps the engine from being restarted by another process while the tests of a file use it."""
    lock = EngineLock()
    lock.share()
    yield lock
    lock.release()


@pytest.fixture
def engine_alone(engine_lock: EngineLock) -> Iterator[None]:
    """Waits until no other tests use the engine."""
    engine_lock.hold_alone()
    yield
    engine_lock.share()


@pytest.fixture(scope="module")
def stack(
    engine: None, project_root: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ComposeStack]:
    """The stack, started once for all tests of a file by the users' command."""
    stack = ComposeStack(project_root, tmp_path_factory.mktemp("compose"))
    try:
        started = stack.make("start-rq-mon")
        assert started.returncode == 0, started.stdout
        request.config.stash[grafana_left_out] = stack.has_viewer()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def redis(stack: ComposeStack, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A client of the stack's Redis, which job_scheduler() uses as well."""
    url = stack.redis_url()
    monkeypatch.setenv(REDIS_URL, url)
    return connect(url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(name == LEFT_OUT for name, _ in properties(terminalreporter)):
        terminalreporter.write_line(
            "not tested: Grafana in a container, as its image is not available here; the viewer ran instead",
            yellow=True,
        )

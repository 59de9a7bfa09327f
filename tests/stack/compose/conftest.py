"""The running stack, for the tests that need a Docker engine, and what could not be tested here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from proofs.harness.compose_stack import ComposeStack
from rq_mon.connection.client import connect
from stack.compose.docker import Docker
from stack.variables import REDIS_URL

grafana_left_out = pytest.StashKey[bool]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An engine that leaves a swarm forgets the names of all containers in its other networks."""
    items.sort(key=lambda item: item.path.name == "test_swarm.py")


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine; without one the test is skipped, or fails with CI=true, which wants all tests."""
    if Docker(os.environ).engine_answers():
        return
    reason = "no Docker engine answers on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def stack(
    engine: None, project_root: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ComposeStack]:
    """The stack, started once for all tests by the command that users have for it."""
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
    """A client of the stack's Redis, which job_scheduler() uses too."""
    url = stack.redis_url()
    monkeypatch.setenv(REDIS_URL, url)
    return connect(url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(grafana_left_out, False):
        terminalreporter.write_line(
            "not tested: Grafana in a container, as its image is not available here; the viewer ran instead",
            yellow=True,
        )

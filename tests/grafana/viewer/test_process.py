"""The viewer as a process: which requests it accepts, and how it starts and ends."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from grafana.__main__ import GENERATED
from proofs.harness.ports import free_port
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from tests.harness.open_files import open_files
from tests.harness.viewer import running_viewer

pytestmark = pytest.mark.slow(seconds=10)

MOST_MEMORY = 60_000_000
READERS = 1500
"""More connections than select() supports."""


@pytest.fixture
def alone(project_root: Path, tmp_path: Path) -> Iterator[Server]:
    """A viewer without a Prometheus."""
    with running_viewer(project_root, tmp_path, f"http://127.0.0.1:{free_port()}", GENERATED) as server:
        yield server


def test_the_viewer_uses_little_memory_and_ends_at_once(alone: Server) -> None:
    for path in ("/d/rq-overview", "/public/viewer.js", "/api/viewer", "/api/dashboards/rq-overview"):
        for _ in range(20):
            alone.text(path)

    assert psutil.Process(alone.process.pid).memory_info().rss < MOST_MEMORY
    assert alone.stop() == 0


def test_the_viewer_answers_while_very_many_browsers_hold_connections(
    project_root: Path, tmp_path: Path
) -> None:
    """Even if the shell that started it allows only a few open files, as most do."""
    with ExitStack() as open_:
        with open_files(1024):
            viewer = open_.enter_context(
                running_viewer(project_root, tmp_path, f"http://127.0.0.1:{free_port()}", GENERATED)
            )
        open_.enter_context(open_files(READERS + 500))
        for _ in range(READERS):
            open_.enter_context(socket.create_connection(("127.0.0.1", viewer.port), timeout=60))

        wait_until(lambda: viewer.answers("/health"), "an answer beside those connections", within=60)


def test_an_invalid_setting_is_an_error_that_names_it(project_root: Path) -> None:
    ended = run(project_root, VIEWER_PORT="http")

    assert ended.returncode == 1
    assert ended.stderr == (
        "viewer: VIEWER_PORT: expected a port, a whole number from 1 to 65535, got 'http'\n"
    )


def test_a_port_in_use_is_an_error_that_names_it(project_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(project_root, VIEWER_PORT=str(port))

    assert ended.returncode == 1
    assert ended.stderr == f"viewer: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def run(project_root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grafana.viewer"],
        cwd=project_root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

"""The viewer as a process: what it takes, and how it begins and ends."""

from __future__ import annotations

import resource
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
from tests.harness.viewer import running_viewer

pytestmark = pytest.mark.slow(seconds=10)

MOST_MEMORY = 60_000_000
READERS = 1500
"""More connections than select() takes."""


@pytest.fixture
def alone(project_root: Path, tmp_path: Path) -> Iterator[Server]:
    """A viewer without a Prometheus."""
    with running_viewer(project_root, tmp_path, f"http://127.0.0.1:{free_port()}", GENERATED) as server:
        yield server


def test_it_takes_little_memory_and_ends_at_once(alone: Server) -> None:
    for path in ("/d/rq-overview", "/public/viewer.js", "/api/viewer", "/api/dashboards/rq-overview"):
        for _ in range(20):
            alone.text(path)

    assert psutil.Process(alone.process.pid).memory_info().rss < MOST_MEMORY
    assert alone.stop() == 0


def test_it_answers_while_very_many_browsers_hold_connections(alone: Server) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < READERS + 200:
        pytest.skip(f"this shell may not open {READERS} connections")
    with ExitStack() as connections:
        for _ in range(READERS):
            connections.enter_context(socket.create_connection(("127.0.0.1", alone.port), timeout=10))

        assert alone.json("/health")["viewer"] == "ok"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VIEWER_PORT", "70000"),
        ("PROMETHEUS_URL", "localhost:9090"),
        ("DASHBOARDS_PATH", "no/such/folder"),
        ("VIEWER_NAMES", "rq.example.com,http://x"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(project_root: Path, variable: str, value: str) -> None:
    command = [sys.executable, "-m", "grafana.viewer"]

    ended = subprocess.run(
        command, cwd=project_root, env={variable: value}, capture_output=True, text=True, timeout=30
    )

    assert ended.returncode == 1
    assert f"{variable}: expected" in ended.stderr
    assert "Traceback" not in ended.stderr

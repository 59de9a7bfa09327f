"""The web server: what it needs, what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from proofs.harness.ports import free_port
from proofs.harness.servers import Server
from tests.harness.preview import running_preview

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(project_root: Path, tmp_path_factory: pytest.TempPathFactory, boards: Path) -> Iterator[Server]:
    """A preview whose Prometheus is not there."""
    nobody = f"http://me:secret@127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("alone")
    with running_preview(project_root, folder, nobody, boards) as server:
        yield server


def get(preview: Server, path: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", preview.port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def post(preview: Server, body: str) -> int:
    connection = HTTPConnection("127.0.0.1", preview.port, timeout=10)
    connection.request("POST", "/_dash-update-component", body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_is_healthy_without_prometheus(alone: Server) -> None:
    response, body = get(alone, "/api/health")
    assert response.status == 200
    health = json.loads(body)
    assert health["dashboards"] == ["all-types", "other", "slow"]
    assert list(health["broken"]) == ["broken.json"]


@pytest.mark.parametrize("path", ["/", "/d/other", "/d/other/any-name", "/d/other?from=now-6h&to=now"])
def test_grafanas_addresses_answer(alone: Server, path: str) -> None:
    assert get(alone, path)[0].status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/d/nobody",
        "/d/",
        "/d/other/a/b",
        "/x",
        "/_dash-x",
        "/assets/nothing.js",
        "/_dash-component-suites/dash/nothing.js",
        "/d/..%2f..%2fpyproject.toml",
        "/assets/..%2fserver.py",
        "/assets/../server.py",
        "/..%2f..%2fpyproject.toml",
        "/_dash-component-suites/dash/..%2f..%2f..%2fpyproject.toml",
    ],
)
def test_other_addresses_are_not_found(alone: Server, path: str) -> None:
    response, body = get(alone, path)
    assert response.status == 404
    assert "[project]" not in body
    assert "make_server" not in body


def test_unknown_dashboard_names_the_known_ones(alone: Server) -> None:
    response, body = get(alone, "/d/<img onerror=x>".replace(" ", "%20"))
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "/d/other" in body
    assert "img" not in body


def test_endless_query_string_is_refused(alone: Server) -> None:
    assert get(alone, "/d/other?x=" + "x" * 9000)[0].status == 414


def test_huge_and_odd_bodies_are_refused(alone: Server) -> None:
    assert post(alone, "x" * 3_000_000) == 413
    for odd in ("{", "[]", "{}", '{"output": "nothing.at_all", "inputs": []}', '{"output": []}'):
        assert post(alone, odd) == 400, odd
    assert get(alone, "/api/health")[0].status == 200


def test_browsers_are_told_to_run_nothing_foreign(alone: Server) -> None:
    headers = get(alone, "/")[0].headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_loads_nothing_from_elsewhere(alone: Server) -> None:
    body = get(alone, "/")[1]
    assert "http://" not in body
    assert "https://" not in body
    assert 'src="//' not in body


def test_ends_within_two_seconds_of_sigterm(project_root: Path, tmp_path: Path, boards: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with running_preview(project_root, tmp_path, nobody, boards) as server:
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 2


def run(project_root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grafana.preview"],
        cwd=project_root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_port_in_use_is_named(project_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(project_root, PREVIEW_PORT=str(port))
    assert ended.returncode == 1
    assert ended.stderr == f"preview: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_unusable_setting_is_named(project_root: Path) -> None:
    ended = run(project_root, PREVIEW_PORT="http")
    assert ended.returncode == 1
    assert (
        ended.stderr == "preview: PREVIEW_PORT: expected a port, a whole number from 1 to 65535, got 'http'\n"
    )

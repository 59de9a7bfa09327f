"""A test's server is ready when its block begins, and has ended when the block has."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from proofs.harness.ports import free_port
from proofs.harness.servers import running


def web_server(port: int) -> Sequence[str]:
    return (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))


def test_a_server_answers_during_its_block_and_has_ended_after_it(tmp_path: Path) -> None:
    port = free_port()

    with running("web", tmp_path, port, web_server(port), "/", cwd=tmp_path) as server:
        assert "web.log" in server.text("/")

    assert server.process.returncode is not None


def test_reports_a_server_that_ends_at_once_with_its_output(tmp_path: Path) -> None:
    command = ("sh", "-c", "echo no such file; exit 1")

    with (
        pytest.raises(AssertionError, match="no such file"),
        running("broken", tmp_path, free_port(), command, "/"),
    ):
        pass


def test_a_server_ends_with_a_block_that_fails(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(ZeroDivisionError), running("web", tmp_path, port, web_server(port), "/") as server:
        raise ZeroDivisionError

    assert not psutil.pid_exists(server.process.pid)

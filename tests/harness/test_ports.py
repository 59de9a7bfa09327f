"""A port is given to one test at a time, across processes."""

from __future__ import annotations

import socket
import subprocess
import sys

from proofs.harness.ports import claim, free_port

HOLDER = "from proofs.harness.ports import free_port; print(free_port(), flush=True); input()"


def test_a_port_claimed_by_another_process_is_free_after_its_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        assert not claim(port)
        holder.communicate("\n", timeout=60)

    assert claim(port)


def test_a_port_is_given_only_once() -> None:
    given = [free_port() for _ in range(300)]

    assert len(set(given)) == 300
    assert not any(claim(port) for port in given)


def test_a_port_on_which_something_listens_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not claim(server.getsockname()[1])

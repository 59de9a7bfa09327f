"""Clients that are idle, slow or broken, and a Redis that does not answer."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from tests.harness.open_files import open_files
from tests.harness.web import Operator, running_web

IDLE = 1000
SOON = 25.0
"""Seconds. Idle clients would hold it for thirty."""


def seconds_for(server: Server, path: str) -> float:
    began = time.monotonic()
    server.text(path)
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"GET / HT", b"POST /login HTTP/1.1\r\nContent-Length: 99\r\n\r\nu"])
def test_idle_connections_do_not_block_other_clients(web: Server, said: bytes) -> None:
    with open_files(4096), ExitStack() as open_connections:
        for _ in range(IDLE):
            client = socket.create_connection(("127.0.0.1", web.port), timeout=20)
            open_connections.enter_context(client)
            client.sendall(said)

        assert seconds_for(web, "/health") < SOON
        assert seconds_for(web, "/runbooks/") < SOON


@pytest.mark.slow
def test_without_redis_pages_report_it_and_recover(own_redis: RedisServer, tmp_path: Path) -> None:
    with running_web(tmp_path, own_redis.url) as server:
        operator = Operator(server.url)
        operator.log_in()
        assert "Redis cannot be read (unreachable)" in operator.get("/", expected=503)
        with own_redis:
            assert "There is no queue yet" in operator.get("/")
            own_redis.signal(signal.SIGSTOP)
            assert "Redis cannot be read (timeout)" in operator.get("/", expected=503)
            own_redis.signal(signal.SIGCONT)
            assert "There is no queue yet" in operator.get("/")


def test_a_body_that_is_too_large_is_refused(operator: Operator) -> None:
    answer = operator.session.post(f"{operator.url}/login", data={"user": "x" * 300_000}, timeout=20)

    assert answer.status_code == 413

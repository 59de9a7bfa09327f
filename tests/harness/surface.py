"""Requests that a stranger may send to a running stack, and secrets that its processes must not show."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable
from pathlib import Path

from proofs.harness.stack_copy import StackCopy
from stack.services import ALERTMANAGER, PROMETHEUS, RQ_EXPORTER, Service

REFUSED: list[tuple[Service, str, str]] = [
    (PROMETHEUS, "POST", "/api/v1/admin/tsdb/delete_series?match[]=up"),
    (PROMETHEUS, "POST", "/api/v1/admin/tsdb/snapshot"),
    (PROMETHEUS, "POST", "/-/reload"),
    (PROMETHEUS, "POST", "/-/quit"),
    (PROMETHEUS, "POST", "/api/v1/write"),
    (ALERTMANAGER, "GET", "/../../../../etc/passwd"),
    (RQ_EXPORTER, "GET", "/../../../../etc/passwd"),
    (RQ_EXPORTER, "GET", "/%2e%2e/%2e%2e/etc/passwd"),
    (RQ_EXPORTER, "POST", "/-/quit"),
]
"""Requests that must not succeed."""

VIEWER_REFUSES = [
    ("GET", "/../../../../etc/passwd"),
    ("GET", "/public/../server.py"),
    ("GET", "/public/%2e%2e/server.py"),
    ("GET", "/public/..%2f..%2f..%2f.env"),
    ("POST", "/d/rq-overview"),
    ("GET", "/api/prometheus/admin/tsdb/snapshot"),
    ("POST", "/api/prometheus/admin/tsdb/delete_series?match[]=up"),
    ("GET", "/api/prometheus/query/../status/config"),
    ("GET", "/api/prometheus/status/config"),
]

MALFORMED = [
    b"GARBAGE\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"\x00\x16\x03\x01\xff" * 100,
]
"""Bytes that are no valid request, or a request that is too large."""


def status_of(stack: StackCopy, service: Service, method: str, path: str) -> tuple[int, str]:
    """Send a request unchanged; return status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.settings.port(service), timeout=60)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def send(stack: StackCopy, service: Service, request: bytes) -> bytes:
    """Send bytes; return the first bytes of the answer, none if the server closes the connection."""
    with socket.create_connection(("127.0.0.1", stack.settings.port(service)), timeout=60) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(1000)
        except OSError:  # the server closed the connection
            return b""


def secrets_of(stack: StackCopy) -> dict[str, str]:
    """The generated passwords by the names of their files."""
    return {path.name: path.read_text().strip() for path in secret_files(stack)}


def secret_files(stack: StackCopy) -> list[Path]:
    """The files of generated passwords."""
    return sorted((stack.directory / ".rq-mon" / "secrets").iterdir())


def shown(secrets: dict[str, str], texts: Iterable[str]) -> list[str]:
    """The names of the passwords that one of the texts contains."""
    everything = "\n".join(texts)
    return [name for name, secret in secrets.items() if secret in everything]

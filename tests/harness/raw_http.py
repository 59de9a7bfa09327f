"""Requests that no browser sends, and what comes back."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

TRAVERSALS = (
    *("/static/..%2f..%2fsettings.py", "/static/%2e%2e/settings.py", "/static/..%5csettings.py"),
    *("/static/%252e%252e%252fsettings.py", "/public/..%2f..%2fsettings.py", "/public//etc/passwd"),
    *(
        "//etc/passwd",
        "/docs/runbooks/..%2f..%2fREADME.md",
        "/runbooks/..%2fREADME",
        "/d/..%2f..%2fsettings.py",
    ),
    *(
        "/api/prometheus/..%2fadmin%2ftsdb%2fsnapshot",
        "/api/prometheus/label/..%2f..%2fstatus%2fconfig/values",
    ),
    *("/api/prometheus/query%3fquery=1", "/api/prometheus/query%0d%0aX:1", "/%2e%2e/%2e%2e/etc/passwd%00"),
)
"""Paths that lead to files, or to other paths, where a server reads %2f and .. too late."""

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
SMUGGLED = (
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length : 44\r\n\r\n" + HIDDEN,
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\nContent-Length: 44\r\n\r\n" + HIDDEN,
)
"""Requests whose end two servers would find in two places."""

ENDLESS = {
    "announced": b"Content-Length: 1000000000\r\n\r\n",
    "in chunks": b"Transfer-Encoding: chunked\r\n\r\n" + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 40,
}
"""The heads, or beginnings, of bodies that fill a disk."""


def statuses(port: int, request: bytes) -> list[int]:
    """Send bytes, and return the status of each answer until the server ends the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        with suppress(OSError):  # a server may refuse before all is sent
            client.sendall(request)
        with suppress(ConnectionError):
            while part := client.recv(65536):
                received += part
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", received, re.MULTILINE)]


def get(path: str) -> bytes:
    """Return a request for a path as it is."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()

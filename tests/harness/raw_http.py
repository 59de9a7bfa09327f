"""Requests that no browser sends, and the answers."""

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
"""Paths that reach other files or paths if a server decodes %2f and .. too late."""

TWO_ENDS = {
    "two lengths": b"Content-Length: 4\r\nContent-Length: 40",
    "the same length twice": b"Content-Length: 0\r\nContent-Length: 0",
    "lengths with a comma": b"Content-Length: 0, 40",
    "no length": b"Content-Length:",
    "length with +": b"Content-Length: +5",
    "length with -": b"Content-Length: -5",
    "length with a space": b"Content-Length: 1 5",
    "length with _": b"Content-Length: 1_5",
    "hexadecimal length": b"Content-Length: 0x5",
    "length of 5000 digits": b"Content-Length: " + b"0" * 4999 + b"5",
    "space after the name": b"Content-Length : 5",
    "name with _": b"Content-Length: 0\r\nContent_Length: 5",
    "bare line feed": b"X: a\nContent-Length: 5",
    "bare carriage return": b"X: a\rContent-Length: 5",
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    "chunks twice": b"Transfer-Encoding: chunked, chunked",
    "chunks in two headers": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "chunks and identity": b"Transfer-Encoding: chunked, identity",
    "unknown coding": b"Transfer-Encoding: xchunked",
    "coding in upper case": b"TRANSFER-ENCODING: CHUNKED\r\nContent-Length: 5",
    "coding after a tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5",
    "coding after a vertical tab": b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5",
    "empty coding": b"Transfer-Encoding:\r\nContent-Length: 5",
    "space before the colon of the coding": b"Transfer-Encoding : chunked",
    "coding with _": b"Transfer_Encoding: chunked\r\nContent-Length: 5",
    "folded coding": b"Transfer-Encoding:\r\n chunked",
    "coding folded into another header": b"X: a\r\n Transfer-Encoding: chunked",
    "folded length": b"Content-Length:\r\n\t5",
}
"""Headers with which two servers would find the end of a request in two places."""

HIDDEN = b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def smuggled(headers: bytes, version: str) -> bytes:
    """Return a request with another one behind it; the connection would stay open."""
    first = f"POST /health HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n".encode()
    return first + headers + b"\r\n\r\n" + HIDDEN


ENDLESS = {
    "announced": b"Content-Length: 1000000000\r\n\r\n",
    "in chunks": b"Transfer-Encoding: chunked\r\n\r\n" + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 40,
}
"""Headers, or beginnings, of bodies that would fill a disk."""


def statuses(port: int, request: bytes) -> list[int]:
    """Send bytes; return the status of each answer until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        with suppress(OSError):  # a server may refuse before it has received everything
            client.sendall(request)
        with suppress(ConnectionError):
            while part := client.recv(65536):
                received += part
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", received, re.MULTILINE)]


def get(path: str) -> bytes:
    """Return a GET request for an unchanged path."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()

"""The HTTP server: idle, slow and broken clients do not keep it from answering others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq_mon.environment.open_files import allowed_connections
from rq_mon.serving.strict_requests import create_strict_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTIONS = 2000
THREADS = 4
"""Threads: Redis and the interpreter are the limits, so more would only take memory."""
IDLE_SECONDS = 30
LARGEST_BODY = 256 * 1024
"""Bytes: a page of ids, and more."""
LARGEST_HEAD = 64 * 1024
"""Bytes of an address: names may be long, and each byte takes three characters."""


def make_server(app: WSGIApplication, host: str, port: int) -> Any:
    """Return a listening server.

    Raises:
        OSError: the address cannot be used.
    """
    return create_strict_server(
        app,
        host=host,
        port=port,
        threads=THREADS,
        connection_limit=allowed_connections(CONNECTIONS),
        backlog=1024,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=5,
        asyncore_use_poll=True,
        max_request_body_size=LARGEST_BODY,
        max_request_header_size=LARGEST_HEAD,
        ident=None,
    )

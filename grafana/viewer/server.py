"""The viewer as a process: how it listens, and how it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from types import FrameType

from grafana.viewer.app import make_app
from grafana.viewer.proxy import MOST_WAITING, PARALLEL_QUERIES
from grafana.viewer.settings import ViewerSettings
from rq_mon.environment.open_files import allowed_connections
from rq_mon.serving.strict_requests import create_strict_server

THREADS = PARALLEL_QUERIES + MOST_WAITING + 4
"""More threads than queries, so that some serve the page and health checks."""
MOST_CONNECTIONS = 2000
LARGEST_HEADER = 32_000
LARGEST_BODY = 500_000
"""Bytes of a form, as in Flask. Otherwise waitress would write a gigabyte to disk before it asks Flask."""
MOST_ARENAS = 2
"""Memory arenas of glibc. By default each thread has one, and keeps the memory of its answers."""
M_ARENA_MAX = -8
"""glibc's number of that option."""
GRACE = 1.0
"""Seconds that requests may take to end after SIGTERM."""


def serve(settings: ViewerSettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: the address is not available, or the page was not built.
    """
    _share_memory()
    server = create_strict_server(
        make_app(settings),
        host=settings.host,
        port=settings.port,
        threads=THREADS,
        connection_limit=allowed_connections(MOST_CONNECTIONS),
        asyncore_use_poll=True,  # select() handles at most 1024 connections
        ident="rq-mon viewer",
        max_request_header_size=LARGEST_HEADER,
        max_request_body_size=LARGEST_BODY,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # A slow query must not delay the end: there is nothing to lose.
        last_resort = threading.Timer(GRACE, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    print(f"Viewer of the Grafana dashboards: http://{settings.host}:{settings.port}/", flush=True)
    server.run()


def _share_memory() -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library lacks this option
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, MOST_ARENAS)

"""An HTTP server that many, slow or broken clients cannot keep from answering a scrape."""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from contextlib import suppress
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
REQUEST_SECONDS = 2.0
"""A request must have arrived whole by then."""
RESPONSE_SECONDS = 10.0
"""The response must be taken by then; Prometheus' own default for a scrape."""


class ExporterServer(ThreadingMixIn, WSGIServer):
    """One thread a connection, MAX_CONNECTIONS at most: a new one ends the oldest that asked nothing yet."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        """Listen. Raises OSError if the address is taken, or not one of this machine."""
        self._lock = threading.Lock()
        self._open: dict[socket.socket, bool] = {}
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, _, _, _, address = found[0]
        super().__init__(address[:2], ExporterHandler)  # type: ignore[arg-type]
        self.set_app(app)

    def server_bind(self) -> None:
        """Bind without the reverse DNS look-up of HTTPServer, which can hang."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a new connection."""
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS:
                self._end_slowest()
            self._open[request] = False
        super().process_request(request, client_address)

    def _end_slowest(self) -> None:
        waiting = [connection for connection, has_asked in self._open.items() if not has_asked]
        slowest = next(iter(waiting or self._open))
        del self._open[slowest]
        with suppress(OSError):
            slowest.shutdown(socket.SHUT_RDWR)  # its thread then reads the end of the stream

    def request_arrived(self, request: socket.socket) -> None:
        """Note that the client of this connection has asked, and waits for the answer."""
        with self._lock:
            if request in self._open:
                self._open[request] = True

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that went away or is too slow is not worth a traceback."""
        logger.debug("connection of %s ended", client_address, exc_info=True)


class ExporterHandler(WSGIRequestHandler):
    """Reads one request within REQUEST_SECONDS in all, however slowly its bytes drip in."""

    server: ExporterServer

    def setup(self) -> None:
        """Put a time limit on what is read and on what is written."""
        super().setup()
        self.rfile = io.BufferedReader(_TimedReader(self.connection, REQUEST_SECONDS))

    def parse_request(self) -> bool:
        """Read the rest of the request."""
        is_good = super().parse_request()
        self.server.request_arrived(self.connection)
        self.connection.settimeout(RESPONSE_SECONDS)
        return is_good

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log requests for debugging only: one comes every few seconds."""
        logger.debug(format, *args)


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a moment has come."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request did not arrive in time")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)

"""An HTTP server that answers scrapes even with many, slow or broken clients."""

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
"""Seconds within which a whole request must arrive."""
RESPONSE_SECONDS = 10.0
"""Seconds within which the client must read the response: Prometheus' default for a scrape."""


class ExporterServer(ThreadingMixIn, WSGIServer):
    """One thread per connection, MAX_CONNECTIONS at most. A new one closes the oldest without a request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        """Listen. Raises OSError if the address is in use, or does not belong to this machine."""
        self._lock = threading.Lock()
        self._open: dict[socket.socket, bool] = {}
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, _, _, _, address = found[0]
        super().__init__(address[:2], ExporterHandler)  # type: ignore[arg-type]
        self.set_app(app)

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse DNS look-up, which can hang."""
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
        """Mark this connection as one that waits for an answer."""
        with self._lock:
            if request in self._open:
                self._open[request] = True

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log one line: a client that went away or is too slow is not worth a traceback."""
        logger.debug("connection of %s ended", client_address, exc_info=True)


class ExporterHandler(WSGIRequestHandler):
    """Reads one request within REQUEST_SECONDS in total, even if its bytes trickle in."""

    server: ExporterServer

    def setup(self) -> None:
        """Set the time limits for reading and writing."""
        super().setup()
        self.rfile = io.BufferedReader(_TimedReader(self.connection, REQUEST_SECONDS))

    def parse_request(self) -> bool:
        """Read the rest of the request."""
        is_good = super().parse_request()
        self.server.request_arrived(self.connection)
        self.connection.settimeout(RESPONSE_SECONDS)
        return is_good

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log requests at debug level only: one comes every few seconds."""
        logger.debug(format, *args)


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a deadline."""

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

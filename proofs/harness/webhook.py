"""A webhook receiver that records Alertmanager's notifications."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Listens on a free port of an address of this machine."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.notifications: list[tuple[str, dict[str, Any]]] = []
        """Path and body of each accepted notification, oldest first."""
        self._failing: set[str] = set()

    def url(self, path: str) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}/{path}"

    @contextmanager
    def failing(self, path: str) -> Iterator[None]:
        """Answer 500 on this path during the block."""
        self._failing.add(f"/{path}")
        try:
            yield
        finally:
            self._failing.remove(f"/{path}")

    def take(self, path: str, body: dict[str, Any]) -> int:
        """Record a notification; return the status for the answer."""
        if path in self._failing:
            return 500
        self.notifications.append((path, body))
        return 200

    def alerts(self, path: str) -> list[dict[str, Any]]:
        """All alerts that were sent to this path."""
        return [alert for to, body in self.notifications if to == f"/{path}" for alert in body["alerts"]]


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.take(self.path, body))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the tests' output clean."""


@contextmanager
def running_webhook(address: str = "127.0.0.1") -> Iterator[Webhook]:
    """Listen during the block.

    Raises:
        OSError: this machine does not have the address.
    """
    with Webhook(address) as webhook:
        thread = threading.Thread(target=webhook.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield webhook
        finally:
            webhook.shutdown()
            thread.join()

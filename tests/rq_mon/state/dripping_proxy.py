"""A TCP proxy that sends a server's replies line by line, with a pause before each."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from itertools import islice
from typing import Self


class DrippingProxy:
    """Forwards connections to a port on this machine.

    `pause` (seconds) and `most_lines`, after which it closes a connection, may change for later connections.
    """

    def __init__(self, target_port: int, pause: float) -> None:
        self.pause = pause
        self.most_lines: int | None = None
        self.is_open = False
        """Whether the last connection is open on both sides."""
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = [self._listener]

    @property
    def url(self) -> str:
        """The URL of Redis through this proxy."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._open += [client, server]
                self.is_open = True
                threading.Thread(target=_forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._drip, args=(server, client), daemon=True).start()

    def _drip(self, source: socket.socket, target: socket.socket) -> None:
        pause = self.pause
        with suppress(OSError), source.makefile("rb") as lines:
            for line in islice(lines, self.most_lines):
                time.sleep(pause)
                target.sendall(line)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        self.is_open = False


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)

"""A TCP proxy that sends a server's replies line by line, with a pause before each."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Self


class DrippingProxy:
    """Forwards connections to a port on this machine. `pause` (seconds) may change for later connections."""

    def __init__(self, target_port: int, pause: float) -> None:
        self.pause = pause
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
                threading.Thread(target=_forward, args=(client, server), daemon=True).start()
                threading.Thread(target=_drip, args=(server, client, self.pause), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def _drip(source: socket.socket, target: socket.socket, pause: float) -> None:
    with suppress(OSError), source.makefile("rb") as lines:
        for line in lines:
            time.sleep(pause)
            target.sendall(line)

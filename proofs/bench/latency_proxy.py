"""A TCP proxy that adds latency to a server and counts the round trips to it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Self

CHUNK = 1 << 16


class LatencyProxy:
    """Forwards connections to a port on this machine; every answer arrives `latency` seconds later.

    Like a long line it delays, but does not limit the throughput. A round trip begins when a client sends
    after an answer. `trips` is exact if the latency is longer than a client needs to send all its commands,
    because then no answer arrives while it is sending.
    """

    def __init__(self, target_port: int, latency: float) -> None:
        self.trips = 0
        self._target_port = target_port
        self._latency = latency
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = [self._listener]

    @property
    def port(self) -> int:
        """The port of the proxy."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The URL of Redis through this proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                for connection in (client, server):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [client, server]
                _Line(self, client, server, self._latency).start()


class _Line:
    """One connection with three threads: one for commands, one for answers, one that delays the answers."""

    def __init__(
        self, proxy: LatencyProxy, client: socket.socket, server: socket.socket, latency: float
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._latency = latency
        self._travelling: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self._was_answered = True

    def start(self) -> None:
        for work in (self._take_commands, self._take_answers, self._deliver_answers):
            threading.Thread(target=work, daemon=True).start()

    def _take_commands(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(CHUNK):
                if self._was_answered:
                    self._was_answered = False
                    self._proxy.trips += 1
                self._server.sendall(data)
        _end(self._server)

    def _take_answers(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(CHUNK):
                self._travelling.put((time.monotonic() + self._latency, data))
        self._travelling.put((0.0, b""))

    def _deliver_answers(self) -> None:
        with suppress(OSError):
            while (parcel := self._travelling.get())[1]:
                time.sleep(max(0.0, parcel[0] - time.monotonic()))
                self._was_answered = True
                self._client.sendall(parcel[1])
        _end(self._client)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

"""A TCP proxy to Redis that breaks one connection while the end of a job is being recorded."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal, Self

END_OF_A_JOB = b"successful_job_count"
EXEC = b"\r\nEXEC\r\n"

Loses = Literal["request", "answer"]


class LossyProxy:
    """Drops the transaction that records the first success, or Redis's answer to it."""

    def __init__(self, port: int, loses: Loses) -> None:
        self.lost = False
        self._port = port
        self._loses = loses
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server, suppress(OSError):
            threading.Thread(target=self._forward_answers, args=(server, client), daemon=True).start()
            while request := client.recv(1 << 20):
                if END_OF_A_JOB in request and not self.lost:
                    self.lost = True
                    self._lose(request, client, server)
                    return
                server.sendall(request)

    def _lose(self, request: bytes, client: socket.socket, server: socket.socket) -> None:
        while EXEC not in request:  # the transaction may arrive in several packets
            request += client.recv(1 << 20)
        client.shutdown(socket.SHUT_RDWR)
        if self._loses == "answer":
            server.sendall(request)
            server.shutdown(socket.SHUT_WR)
            while server.recv(1 << 20):
                pass

    def _forward_answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(1 << 20):
                client.sendall(answer)

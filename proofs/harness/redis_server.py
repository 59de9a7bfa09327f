"""A real Redis (or Valkey) for tests, which can be killed, frozen and restarted."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from stack.native.programs import REDIS_SERVER


class RedisServer:
    """A Redis server on a free port, with its data in `directory`.

    It answers inside a `with` block and is killed at its end.
    """

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, with the data of its last run."""
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        command = [REDIS_SERVER.path(), *place, "--save", "", *self.options]
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until(self._answers, f"Redis on port {self.port}")
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "redis.log").read_text()
        with self._client() as client:
            try:
                client.ping()
            except AuthenticationError:  # it answers, but asks for a password
                return True
            except RedisError:
                return False
        return True

    def _client(self) -> Redis:
        return Redis(port=self.port)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP freezes the server, SIGCONT thaws it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it like a crash, with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

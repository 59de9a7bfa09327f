"""A real Redis (or Valkey) for tests, which can be killed, frozen and restarted."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.harness.ports import free_port
from tests.harness.waiting import wait_until


class RedisServer:
    """A Redis server process on a free port, with its data in `directory`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, or start again with the data that it had."""
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "no redis-server and no valkey-server on PATH"
        command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        log = (self.directory / "redis.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*command, "--save", "", *self.options], stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, f"Redis on port {self.port}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "redis.log").read_text()
        with Redis(port=self.port) as client:
            try:
                client.ping()
            except RedisError as error:
                return "NOAUTH" in str(error)
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP freezes the server, SIGCONT thaws it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would, with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

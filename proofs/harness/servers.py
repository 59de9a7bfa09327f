"""Real servers that speak HTTP, as processes that end with the block that they run in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from proofs.harness.waiting import wait_until

ENDS_WITHIN = 60.0
ANSWERS_WITHIN = 60.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log_path: Path
    authorization: str = ""
    """The header that logs in, where the server asks for it."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_path.read_text()

    def text(self, path: str) -> str:
        with urlopen(Request(f"{self.url}{path}", headers=self._login), timeout=ANSWERS_WITHIN) as answer:
            return str(answer.read().decode())

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))

    def post(self, path: str, body: object) -> None:
        headers = {"Content-Type": "application/json", **self._login}
        with urlopen(
            Request(f"{self.url}{path}", json.dumps(body).encode(), headers), timeout=ANSWERS_WITHIN
        ):
            pass

    @property
    def _login(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}

    def answers(self, path: str) -> bool:
        """Tell whether it answers, and with success.

        Raises:
            AssertionError: it has ended; the message holds what it printed.
        """
        assert self.process.poll() is None, self.log
        try:
            self.text(path)
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status.

        Raises:
            AssertionError: it has not ended within ENDS_WITHIN; the message holds what it printed.
        """
        self.process.send_signal(number)
        try:
            return self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{error}; it printed:\n{self.log}") from None


@contextmanager
def running(
    name: str,
    directory: Path,
    port: int,
    arguments: Sequence[str],
    ready: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    authorization: str = "",
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        name: of its log in the directory; a later run adds to it.
        directory: for the log.
        port: on which it is told to listen.
        arguments: program and arguments.
        ready: the path that answers with success when it is ready.
        environment: what is added to the environment of the tests.
        cwd: where it runs; the directory of the tests if None.
        authorization: the header that logs in, if the server asks for it.
    """
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            arguments,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(port, process, log, authorization)
    try:
        wait_until(lambda: server.answers(ready), f"{name} on port {port}")
        yield server
        server.stop()
    finally:
        process.kill()
        process.wait()

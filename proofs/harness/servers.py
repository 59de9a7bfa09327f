"""Real HTTP servers, as processes that end with the block that runs them."""

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
    """The Authorization header, if the server needs one."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def log(self) -> str:
        """Its output so far."""
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
        """Return whether it answers with success.

        Raises:
            AssertionError: it has ended. The message contains its output.
        """
        assert self.process.poll() is None, self.log
        try:
            self.text(path)
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code.

        Raises:
            AssertionError: it has not ended within ENDS_WITHIN. The message contains its output.
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
    """Run a server during the block.

    Args:
        name: the name of its log in the directory; a later run appends to it.
        directory: the folder of the log.
        port: the port that it uses.
        arguments: program and arguments.
        ready: the path that answers with success when it is ready.
        environment: variables to add to those of the tests.
        cwd: its working directory; by default that of the tests.
        authorization: the Authorization header, if the server needs one.
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

"""Real servers of the monitoring, each on a free port of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from native.programs import ALERTMANAGER
from tests.alerts.rules import PROMETHEUS
from tests.harness.ports import free_port
from tests.harness.waiting import wait_until


@dataclass(frozen=True)
class Server:
    """A running server that speaks HTTP."""

    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def text(self, path: str) -> str:
        with urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))

    def post(self, path: str, body: object) -> None:
        headers = {"Content-Type": "application/json"}
        request = Request(f"http://{self.address}{path}", json.dumps(body).encode(), headers)
        with urlopen(request, timeout=10):
            pass

    def answers(self, path: str) -> bool:
        try:
            self.text(path)
        except (URLError, ConnectionError):
            return False
        return True


@contextmanager
def running(
    name: str,
    directory: Path,
    port: int,
    arguments: list[str],
    ready: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends; `ready` is the path that answers when it is."""
    server, log = Server(port), directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: process.poll() is not None or server.answers(ready), name)
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def running_alertmanager(directory: Path, receivers: Path | None = None) -> Iterator[Server]:
    """Run Alertmanager as both runtimes do, with the receivers of this folder."""
    port = free_port()
    arguments = [
        *(
            "sh",
            str(PROMETHEUS / "alertmanager.sh"),
            ALERTMANAGER.path(),
            str(directory / "alertmanager.yml"),
        ),
        f"--storage.path={directory / 'alertmanager-data'}",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    environment = {"ALERT_RECEIVERS_DIR": str(receivers) if receivers else ""}
    with running("alertmanager", directory, port, arguments, "/-/ready", environment) as server:
        yield server

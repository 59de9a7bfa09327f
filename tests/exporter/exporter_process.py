"""The exporter as its users run it: a process that answers HTTP."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.harness.ports import free_port
from tests.harness.waiting import wait_until

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a sample of this scrape; None if it is absent."""
        for family in text_string_to_metric_families(self.body.decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    def names(self) -> set[str]:
        """The names of all samples of this scrape."""
        return {
            sample.name
            for family in text_string_to_metric_families(self.body.decode())
            for sample in family.samples
        }


class Exporter:
    """A running exporter."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    def get(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        started = time.monotonic()
        try:
            connection.request(
                method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        seconds = time.monotonic() - started
        return Response(response.status, dict(response.getheaders()), body, seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal, wait for the end, and return the seconds that it took."""
        sent = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=10)
        return time.monotonic() - sent

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return self.get("/healthz").status == 200
        except ConnectionError:
            return False


@contextmanager
def running_exporter(redis_url: str, directory: Path) -> Iterator[Exporter]:
    """Start an exporter and wait until it answers; end it afterwards."""
    port, log = free_port(), directory / "exporter.log"
    environment = {**os.environ, "RQ_REDIS_URL": redis_url, "RQ_EXPORTER_PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler.exporter"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    exporter = Exporter(process, port, log)
    try:
        wait_until(exporter._answers, "the exporter")
        yield exporter
    finally:
        process.kill()
        process.wait()

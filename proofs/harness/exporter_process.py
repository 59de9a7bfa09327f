"""The exporter as users run it: a process that serves HTTP."""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a sample in this scrape; None if it is missing."""
        for family in text_string_to_metric_families(self.body.decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    def names(self) -> set[str]:
        """The names of all samples in this scrape."""
        return {
            sample.name
            for family in text_string_to_metric_families(self.body.decode())
            for sample in family.samples
        }


@dataclass(frozen=True)
class Exporter(Server):
    def get(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
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


@contextmanager
def running_exporter(redis_url: str, directory: Path, **variables: str) -> Iterator[Exporter]:
    """Run an exporter for the block; yield when it answers."""
    port = free_port()
    command = [sys.executable, "-m", "rq_mon.exporter"]
    environment = {"RQ_REDIS_URL": redis_url, "RQ_EXPORTER_PORT": str(port), **variables}
    with running("exporter", directory, port, command, "/healthz", environment, PROJECT_ROOT) as server:
        yield Exporter(server.port, server.process, server.log_path)

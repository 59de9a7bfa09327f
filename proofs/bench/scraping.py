"""Both exporters, scraped as Prometheus does."""

from __future__ import annotations

import gzip
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until

HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


class GaveUpError(Exception):
    """A scrape took longer than the exporter's own limit. Another try may succeed."""


@contextmanager
def fresh_redis() -> Iterator[RedisServer]:
    """A new, empty Redis for one measurement."""
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as server:
        yield server


@contextmanager
def our_exporter(url: str) -> Iterator[tuple[int, int]]:
    """Run our exporter; yield its port and process id."""
    with tempfile.TemporaryDirectory() as directory, running_exporter(url, Path(directory)) as exporter:
        yield exporter.port, exporter.process.pid


@contextmanager
def stock_exporter(url: str) -> Iterator[tuple[int, int]]:
    """Run rq-exporter; yield its port and process id. It scrapes once before it listens."""
    port = free_port()
    command = ["-m", "rq_exporter", "--host", "127.0.0.1", "--port", str(port), "--redis-url", url]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), "rq-exporter", within=120)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        scrape(port)
    except OSError:
        return False
    return True


def scrape(port: int) -> float:
    """Scrape once; return the seconds.

    Raises:
        GaveUpError: the exporter answered without data from Redis, because it ran out of time.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    try:
        connection.request("GET", "/metrics", headers=HEADERS)
        response = connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - started
    finally:
        connection.close()
    assert response.status == 200, response.status
    if b"rq_redis_up 0" in gzip.decompress(body):
        raise GaveUpError
    return seconds

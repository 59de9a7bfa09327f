from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.redis_server import RedisServer
from rq_mon.exporter import snapshot
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.scrape import ScrapeCollector
from rq_mon.exporter.snapshot import RedisReader
from rq_mon.state.errors import Errors

JOB_PAGES = "https://jobs.example"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape in a test's process may take longer than Prometheus waits, because the machine may be busy."""
    monkeypatch.setattr(snapshot, "READ_SECONDS", 60.0)
    monkeypatch.setattr(snapshot, "SOCKET_TIMEOUT", 60.0)


def registry_of(url: str) -> CollectorRegistry:
    """A registry that reads this Redis for each sample."""
    errors, registry = Errors(), CollectorRegistry()
    objectives = CurrentObjectives(None, errors)
    reader = RedisReader(url, errors, objectives)
    registry.register(ScrapeCollector(reader, objectives, errors, registry, JOB_PAGES))
    return registry


@pytest.fixture
def registry(redis_client: Redis, redis_server: RedisServer) -> CollectorRegistry:
    """The exporter's metrics of an empty Redis, which the test fills."""
    return registry_of(redis_server.url)


@pytest.fixture
def exporter(redis_client: Redis, redis_server: RedisServer, tmp_path: Path) -> Iterator[Exporter]:
    with running_exporter(redis_server.url, tmp_path) as exporter:
        yield exporter

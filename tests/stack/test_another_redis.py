"""With RQ_REDIS_URL the stack watches the Redis of an application, whichever way, and only watches it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rq import Queue

from proofs.harness.native_stack import NativeStack
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import JOBS, REDIS_UP
from rq_mon.connection.client import connect
from rq_mon.settings import Settings
from stack.services import APPLICATION_SERVICES
from stack.variables import REDIS_URL
from tests.harness.sentinels import SentinelGroup
from tests.harness.tls_redis import Certificates, TlsRedisServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e(seconds=40),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

CA = "RQ_REDIS_CA_FILE"


@pytest.fixture(params=["plain", "tls", "sentinel"])
def variables(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What names the Redis of an application."""
    directory = tmp_path_factory.mktemp("application")
    if request.param == "plain":
        with RedisServer(directory) as server:
            yield {REDIS_URL: server.url}
    elif request.param == "tls":
        certificates = Certificates(directory / "certificates", "127.0.0.1")
        with TlsRedisServer(directory, certificates) as tls_server:
            yield {REDIS_URL: tls_server.url, CA: str(certificates.ca)}
    else:
        with SentinelGroup(directory) as group:
            yield {REDIS_URL: group.url}


@pytest.fixture
def stack(
    project_root: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("watch"), **variables)
    yield copy
    copy.remove()


def content_of(client: Any) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}


def test_it_shows_the_queues_of_an_application_and_changes_nothing_there(
    stack: NativeStack, variables: dict[str, str]
) -> None:
    redis = connect(Settings.from_environment(variables).redis_url)
    Queue("application", connection=redis).enqueue("application.tasks.run")
    before = content_of(redis)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert "the stack watches that Redis" in started.stdout
    assert not [service.name for service in APPLICATION_SERVICES if f"\n{service.name} " in started.stdout]
    is_queued = f'{JOBS.name}{{queue="application",status="queued"}} == 1'
    for condition in (is_queued, f"{REDIS_UP.name} == 1", "redis_up == 1"):
        wait_until(partial(stack.sum_of, condition), f"{condition} in Prometheus", within=90, every=0.5)
    assert content_of(redis) == before
    redis.close()

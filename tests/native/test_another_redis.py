"""With RQ_REDIS_URL the stack watches the Redis of an application, and only watches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rq import Queue

from scheduler.catalogue import JOBS
from scheduler.connection import connect
from stack.services import APPLICATION_SERVICES
from stack.settings import REDIS_URL
from tests.harness.redis_server import RedisServer
from tests.harness.stack_copy import StackCopy
from tests.harness.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]


@pytest.fixture
def redis_of_an_application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One that no other test writes to."""
    with RedisServer(tmp_path_factory.mktemp("application")) as server:
        yield server


@pytest.fixture
def stack(project_root: Path, redis_of_an_application: RedisServer, tmp_path: Path) -> Iterator[StackCopy]:
    copy = StackCopy(project_root, tmp_path, "native", **{REDIS_URL: redis_of_an_application.url})
    yield copy
    copy.make("stop-rq-mon")


def content_of(client: Any) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}


def test_it_shows_the_queues_of_an_application_and_changes_nothing_there(
    stack: StackCopy, redis_of_an_application: RedisServer
) -> None:
    redis = connect(redis_of_an_application.url)
    Queue("application", connection=redis).enqueue("application.tasks.run")
    before = content_of(redis)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert "the stack watches that Redis" in started.stdout
    assert not [service.name for service in APPLICATION_SERVICES if f"\n{service.name} " in started.stdout]
    queued = f'{JOBS.name}{{queue="application",status="queued"}}'
    wait_until(lambda: stack.sum_of(queued) == 1, f"{queued} in Prometheus", within=60, every=0.5)
    assert content_of(redis) == before
    redis.close()

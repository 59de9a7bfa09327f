"""The job pages of an empty Redis, and a logged-in session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from tests.harness.web import Operator, running_web


@pytest.fixture(scope="session")
def web(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_web(tmp_path_factory.mktemp("web"), redis_server.url) as server:
        yield server


@pytest.fixture
def operator(web: Server, redis_client: Redis) -> Operator:
    who = Operator(web.url)
    assert who.log_in().status_code == 200
    return who

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from tests.rq_mon.worker.processes import FORKING, RQ, SIMPLE


@pytest.fixture
def rq(redis_server: RedisServer, redis_client: Redis, tmp_path: Path) -> RQ:
    return RQ(redis_server.url, tmp_path / "rq.log")


@pytest.fixture(params=[FORKING, SIMPLE])
def worker_class(request: pytest.FixtureRequest) -> str:
    return str(request.param)

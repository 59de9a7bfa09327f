"""An execution is counted once if the connection breaks while its end is being recorded.

RQ and redis-py may then record the end again: as the same success, or as a failure to record it.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.redis_server import RedisServer
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, running
from tests.rq_mon.worker.lossy_proxy import Loses, LossyProxy
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow


@pytest.fixture(params=get_args(Loses))
def proxy(request: pytest.FixtureRequest, redis_server: RedisServer) -> LossyProxy:
    return LossyProxy(redis_server.port, request.param)


def test_a_job_is_counted_once_if_the_connection_breaks_while_its_end_is_recorded(
    proxy: LossyProxy, queue: Queue, redis_client: Redis, tmp_path: Path, worker_class: str
) -> None:
    queue.enqueue(jobs.succeed)
    with proxy:
        RQ(proxy.url, tmp_path / "rq.log").work("mail", worker_class=worker_class)
    assert proxy.lost
    assert sum(ends(redis_client, "mail").values()) == 1
    assert running(redis_client, "mail") == 0


def test_a_success_that_redis_recorded_before_the_connection_broke_counts(
    redis_server: RedisServer, queue: Queue, redis_client: Redis, tmp_path: Path, worker_class: str
) -> None:
    queue.enqueue(jobs.succeed)
    with LossyProxy(redis_server.port, "answer") as proxy:
        RQ(proxy.url, tmp_path / "rq.log").work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}

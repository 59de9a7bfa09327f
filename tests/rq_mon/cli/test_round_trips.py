"""What `rqmon status` costs if Redis is far away."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue, Worker

from proofs.bench.latency_proxy import LatencyProxy
from proofs.harness.redis_server import RedisServer
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon

LATENCY = 0.2
"""Seconds: longer than a command needs to send its requests, even on a busy machine."""
MOST = 16
"""It takes 8: to connect, for the clock, as many as a scrape for the state, and for running jobs."""


def _busy_workers(client: Redis, number: int) -> None:
    for index in range(number):
        queue = Queue(f"queue-{index}", connection=client)
        worker = Worker([queue], connection=client, name=f"worker-{index}")
        worker.register_birth()  # type: ignore[no-untyped-call]
        running, waiting = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)
        queue.enqueue(jobs.succeed, depends_on=waiting)
        worker.prepare_execution(running)
        worker.prepare_job_execution(running)


@pytest.mark.slow(seconds=8)
def test_status_takes_the_same_number_of_round_trips_for_any_data(
    rqmon: Rqmon, redis_client: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 2 * MOST
    _busy_workers(redis_client, number)

    with LatencyProxy(redis_server.port, LATENCY) as proxy:
        monkeypatch.setenv("RQ_REDIS_URL", proxy.url)
        shown = rqmon("status", "--json").json

    assert len(shown["queues"]) == len([each for each in shown["workers"] if each["function"]]) == number
    assert proxy.trips <= MOST

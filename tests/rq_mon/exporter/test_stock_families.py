"""rq-exporter's metrics are the same as rq-exporter serves for the same Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import rq
from prometheus_client import CollectorRegistry
from prometheus_client.core import REGISTRY
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq_exporter.collector import RQCollector

from proofs.harness.processes import kill_with_children
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import samples_of

STOCK = tuple(metric.name for metric in catalogue.CATALOGUE if metric.stock)
STOCK_FAMILIES = {name.removesuffix("_total") for name in STOCK if name != catalogue.REQUEST_PROCESSING.name}


@pytest.fixture
def stock(redis_client: Redis) -> Iterator[RQCollector]:
    """rq-exporter's collector as rq-exporter runs it."""
    collector = RQCollector(redis_client, rq.Worker, rq.Queue)
    yield collector
    REGISTRY.unregister(collector.summary)


@pytest.fixture
def busy_worker(redis_server: RedisServer, redis_client: Redis) -> Iterator[None]:
    """A real worker with a running job."""
    Queue("slow", connection=redis_client).enqueue(jobs.sleep, 60)
    command = [
        sys.executable,
        "-m",
        "rq.cli",
        "worker",
        "--url",
        redis_server.url,
        "--name",
        "busy",
        "slow",
        "mail",
    ]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = Queue("slow", connection=redis_client).started_job_registry
    try:
        wait_until(lambda: started.get_job_count(cleanup=False), "the job to be started")
        yield
    finally:
        kill_with_children(worker.pid)
        worker.wait()


def _fill_with_jobs_in_every_state(client: Redis) -> None:
    done, waiting = Queue("done", connection=client), Queue("waiting", connection=client)
    done.enqueue(jobs.succeed)
    done.enqueue(jobs.fail)
    SimpleWorker([done, waiting], connection=client, name="gone").work(burst=True)
    first = waiting.enqueue(jobs.succeed)
    waiting.enqueue(jobs.succeed, depends_on=first)
    waiting.enqueue_in(timedelta(hours=1), jobs.succeed)


BIRTH = "2026-01-01T00:00:00.000000Z"


def _fill_with_odd_workers(client: Redis) -> None:
    Worker(["done", "waiting", "ünused"], connection=client, name="idle").register_birth()  # type: ignore[no-untyped-call]
    for name, fields in {
        "without-anything-known": {"birth": BIRTH, "pid": "1"},
        "without-state": {"birth": BIRTH, "queues": "done"},
        "without-queues": {"birth": BIRTH, "state": "idle", "total_working_time": "1.5e-05"},
        "with-empty-fields": {"birth": BIRTH, "state": "", "queues": "", "successful_job_count": ""},
        "that-said-goodbye": {
            "birth": BIRTH,
            "state": "idle",
            "queues": "done",
            "death": "2026-01-01T00:00:00.000000Z",
        },
    }.items():
        client.hset(f"rq:worker:{name}", mapping=fields)
        client.sadd("rq:workers", f"rq:worker:{name}")
    client.sadd("rq:workers", "rq:worker:killed-and-forgotten")
    client.sadd("rq:queues", "rq:queue:never-used", "")


def test_same_samples_of_the_same_redis(
    redis_client: Redis, registry: CollectorRegistry, stock: RQCollector, busy_worker: None
) -> None:
    _fill_with_jobs_in_every_state(redis_client)
    _fill_with_odd_workers(redis_client)

    # Ours first, because rq-exporter removes the killed worker when it reads.
    ours = samples_of(registry, *STOCK)
    theirs = samples_of(stock, *STOCK)

    beyond = {("status", status) for status in ("canceled", "rate_limited")}
    assert {
        (name, labels): value
        for (name, labels), value in ours.items()
        if "processing" not in name and not labels & beyond
    } == theirs
    assert len(theirs) == 4 * 7 + 6 * 4  # series of workers and of queues
    assert {status for _, labels in theirs for label, status in labels if label == "status"} >= {
        "queued", "started", "finished", "failed", "deferred", "scheduled",
    }  # fmt: skip
    assert registry.get_sample_value("rq_jobs", {"queue": "slow", "status": "started"}) == 1


def test_same_names_types_and_help_texts(registry: CollectorRegistry, stock: RQCollector) -> None:
    def heads(collector: object) -> dict[str, tuple[str, str]]:
        return {
            family.name: (family.type, family.documentation)
            for family in collector.collect()  # type: ignore[attr-defined]
            if family.name in STOCK_FAMILIES
        }

    assert heads(registry) == heads(stock)
    assert heads(stock).keys() == STOCK_FAMILIES


def test_time_of_a_scrape_is_observed_like_rq_exporter_does(registry: CollectorRegistry) -> None:
    registry.get_sample_value("rq_redis_up")

    assert registry.get_sample_value("rq_request_processing_seconds_count") == 1

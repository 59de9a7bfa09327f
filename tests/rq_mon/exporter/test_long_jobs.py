"""Only jobs that exceed their queue's run objective are named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue, Worker
from rq.job import Job

from rq_mon.catalogue import OPERATOR_ACTIONS, OPERATOR_CHANGES_KEY
from rq_mon.exporter.long_jobs import MOST
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.scrape import ScrapeCollector
from rq_mon.exporter.snapshot import RedisReader
from rq_mon.state.errors import Errors
from tests.rq_mon.cli.test_many_jobs import commands_during
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import samples_of

LONG = "rq_worker_long_job_info"
Run = Callable[..., Job]


@pytest.fixture
def registry(redis_client: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    """The exporter's metrics with objectives of 30 s for `mail` and 60 s for other queues."""
    (tmp_path / "objectives.yml").write_text(
        "default: {run_seconds: 60}\nqueues: {mail: {run_seconds: 30}}\n"
    )
    errors, registry = Errors(), CollectorRegistry()
    objectives = CurrentObjectives(tmp_path / "objectives.yml", errors)
    pool = redis_client.connection_pool.connection_kwargs
    reader = RedisReader(f"redis://{pool['host']}:{pool['port']}/0", errors, objectives)
    registry.register(ScrapeCollector(reader, objectives, errors, registry))
    return registry


@pytest.fixture
def run(redis_client: Redis) -> Run:
    """Make a worker's job run for this many seconds."""

    def run(name: str, queue: str, seconds: float) -> Job:
        worker = Worker([queue], connection=redis_client, name=name)
        worker.register_birth()  # type: ignore[no-untyped-call]
        job = Queue(queue, connection=redis_client).enqueue(jobs.succeed)
        worker.prepare_execution(job)
        worker.prepare_job_execution(job)
        started = datetime.now(UTC) - timedelta(seconds=seconds)
        redis_client.hset(job.key, "started_at", started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        return job

    return run


def long_jobs(registry: CollectorRegistry) -> dict[str, dict[str, str]]:
    found = [dict(labels) for _, labels in samples_of(registry, LONG)]
    return {labels.pop("name"): labels for labels in found}


def test_jobs_past_the_objective_of_their_queue_are_named(registry: CollectorRegistry, run: Run) -> None:
    run("short", "mail", 20)
    over = run("over", "mail", 40)
    run("within", "reports", 40)
    also = run("also", "reports", 70)
    function = "tests.rq_mon.exporter.jobs.succeed"
    assert long_jobs(registry) == {
        "over": {"queue": "mail", "function": function, "job_id": over.id},
        "also": {"queue": "reports", "function": function, "job_id": also.id},
    }


def test_a_worker_that_takes_another_job_is_listed_with_the_new_one(
    registry: CollectorRegistry, run: Run, redis_client: Redis
) -> None:
    first = run("ann", "mail", 40)
    assert long_jobs(registry)["ann"]["job_id"] == first.id
    second = run("bob", "mail", 50)
    redis_client.hset("rq:worker:ann", "current_job", second.id)
    assert long_jobs(registry)["ann"]["job_id"] == second.id
    redis_client.hset("rq:worker:ann", "state", "idle")
    assert {*long_jobs(registry)} == {"bob"}


def test_only_the_hundred_longest_running_jobs_are_named(registry: CollectorRegistry, run: Run) -> None:
    for number in range(MOST + 3):
        run(f"w{number}", "mail", 100 + number)
    assert {*long_jobs(registry)} == {f"w{number}" for number in range(3, MOST + 3)}


def test_the_function_of_a_job_is_read_once(
    registry: CollectorRegistry, run: Run, redis_client: Redis
) -> None:
    run("ann", "mail", 40)
    run("bob", "mail", 20)
    first = commands_during(redis_client, lambda: long_jobs(registry))
    second = commands_during(redis_client, lambda: long_jobs(registry))
    assert len(first["HSTRLEN"]) == 2
    assert "HSTRLEN" not in second


def test_hostile_ids_are_escaped_in_labels(
    registry: CollectorRegistry, run: Run, redis_client: Redis
) -> None:
    job = run("ann", "mail", 40)
    redis_client.rename(job.key, b'rq:job:\xff"\n')
    redis_client.hset("rq:worker:ann", "current_job", b'\xff"\n')  # type: ignore[arg-type]
    assert long_jobs(registry)["ann"]["job_id"] == '\\xff"\n'


def test_operator_changes_begin_at_zero_and_values_that_are_no_numbers_are_left_out(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    redis_client.hset(OPERATOR_CHANGES_KEY, mapping={"requeue": "7", "delete": "many", "later": "2"})
    counts = {
        dict(labels)["action"]: value
        for (_, labels), value in samples_of(registry, "rq_operator_changes").items()
    }
    readable = [action for action in OPERATOR_ACTIONS if action != "delete"]
    assert counts == dict.fromkeys(readable, 0) | {"requeue": 7, "later": 2}


def test_without_the_right_to_hstrlen_only_the_function_is_unknown(
    registry: CollectorRegistry, run: Run, redis_client: Redis
) -> None:
    job = run("ann", "mail", 40)
    client: Any = redis_client
    client.execute_command("ACL", "SETUSER", "default", "-hstrlen")
    try:
        found = long_jobs(registry)["ann"]
    finally:
        client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert (found["job_id"], found["function"]) == (job.id, "unknown")

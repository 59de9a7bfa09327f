"""Workers as RQ lists them, with the jobs that they run."""

from __future__ import annotations

import time
from typing import Any

import pytest
from redis import Redis

from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import read_together
from rq_mon.state.workers import WorkerFacts, read_workers

BIRTH = "2026-03-04T05:06:07.500000Z"


def store(client: Redis, name: str, **fields: str) -> None:
    client.sadd("rq:workers", f"rq:worker:{name}")
    client.hset(f"rq:worker:{name}", mapping=fields)


@pytest.fixture
def errors() -> Errors:
    return Errors()


def read(client: Redis, errors: Errors) -> dict[str, WorkerFacts]:
    reading: Any = {"workers": read_workers(errors)}
    found = read_together(client, reading, errors, time.monotonic() + 60)
    return {worker.name: worker for worker in found["workers"]}


def test_a_hash_without_birth_and_queues_is_not_a_worker(redis_client: Redis, errors: Errors) -> None:
    store(redis_client, "whole", birth=BIRTH, queues="mail,sms")
    store(redis_client, "without-queues", birth=BIRTH)
    store(redis_client, "without-birth", queues="mail")
    store(redis_client, "ghost", state="idle", last_heartbeat=BIRTH)

    found = read(redis_client, errors)

    assert {name: worker.queues for name, worker in found.items()} == {
        "whole": ("mail", "sms"),
        "without-queues": (),
        "without-birth": ("mail",),
    }


def test_the_id_of_a_running_job_may_contain_colons(redis_client: Redis, errors: Errors) -> None:
    """RQ 3 stores the running jobs of a worker as ids of jobs and executions."""
    store(redis_client, "ann", birth=BIRTH, queues="mail", state="busy")
    redis_client.sadd("rq:worker:ann:executions", "order:7:0123456789abcdef")
    redis_client.hset("rq:job:order:7", mapping={"origin": "mail", "started_at": BIRTH, "timeout": "90"})

    worker = read(redis_client, errors)["ann"]

    assert worker.job_id == b"order:7"
    assert worker.job is not None
    assert (worker.job.queue, worker.job.timeout) == ("mail", 90)


def test_a_timeout_that_is_not_a_number_is_logged_and_counted(
    redis_client: Redis, errors: Errors, caplog: pytest.LogCaptureFixture
) -> None:
    store(redis_client, "ann", birth=BIRTH, queues="mail", state="busy", current_job="7")
    redis_client.hset("rq:job:7", mapping={"origin": "mail", "started_at": BIRTH, "timeout": "soon"})

    worker = read(redis_client, errors)["ann"]

    assert worker.job is not None
    assert worker.job.timeout is None
    assert caplog.messages == ["workers: timeout of the job of 'ann' is b'soon', not a number"]
    assert errors.counts()["workers"] == 1

"""Processes of the stack that only move jobs never unpickle their content."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Callback

from proofs.harness.redis_server import RedisServer
from rq_mon.calls.serializers import FORMATS
from rq_mon.settings import SerializerName
from scheduler.child_scheduler import ChildScheduler
from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.supervised_worker import SupervisedWorker
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.noted import PROTOCOLS, processes, store_noted_meta, stored_fields

pytestmark = pytest.mark.slow


def test_the_scheduler_enqueues_delayed_jobs_without_loading_their_meta(
    redis_client: Redis, tmp_path: Path
) -> None:
    queue = Queue("mail", connection=redis_client)
    stored = {}
    for protocol in PROTOCOLS:
        job = queue.enqueue_in(timedelta(seconds=-1), jobs.succeed, protocol)
        stored[job.id] = job, store_noted_meta(redis_client, job, tmp_path / "loaded", protocol)
    before: Any = {job_id: redis_client.hget(job.key, "data") for job_id, (job, _) in stored.items()}
    scheduler = ChildScheduler([queue], connection=redis_client, name="ann", logging_level="CRITICAL")
    scheduler.acquire_locks()  # type: ignore[no-untyped-call]

    scheduler.enqueue_scheduled_jobs()

    assert sorted(queue.job_ids) == sorted(stored)
    assert processes(tmp_path / "loaded") == []
    for job, fields in stored.values():
        assert stored_fields(redis_client, job) == fields
        assert redis_client.hget(job.key, "data") == before[job.id]


@pytest.mark.parametrize("name", FORMATS)
def test_a_worker_in_this_process_enqueues_delayed_jobs_without_loading_their_meta(
    redis_client: Redis,
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: SerializerName,
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", redis_server.url)
    monkeypatch.setenv("RQ_SERIALIZER", name)
    queue = Queue("mail", connection=redis_client, serializer=FORMATS[name].serializer)
    job = queue.enqueue_in(timedelta(seconds=-1), jobs.succeed)
    fields = store_noted_meta(redis_client, job, tmp_path / "loaded", 0)

    DataHubScheduler("burst-no-fork").work("mail", with_scheduler=True)

    assert job.get_status() == "finished"
    assert processes(tmp_path / "loaded") == []
    assert stored_fields(redis_client, job) == fields


def test_callbacks_load_meta_in_their_own_process_and_the_worker_does_not(
    redis_client: Redis, tmp_path: Path
) -> None:
    queue = Queue("mail", connection=redis_client)
    kept = queue.enqueue(jobs.kill_work_horse, retry=Retry(max=1))
    fields = store_noted_meta(redis_client, kept, tmp_path / "kept", 0)
    failed = queue.enqueue(jobs.fail, on_failure=Callback(jobs.use_meta_in_callback))
    store_noted_meta(redis_client, failed, tmp_path / "failed", 0)
    worker = SupervisedWorker(["mail"], connection=redis_client)

    worker.work(burst=True, logging_level="CRITICAL")

    assert processes(tmp_path / "kept") == []
    assert stored_fields(redis_client, kept) == fields
    assert redis_client.get("meta") == b"['customer']"
    assert processes(tmp_path / "failed")
    assert str(os.getpid()) not in {process for process, _ in processes(tmp_path / "failed")}


def test_a_stopped_callback_loads_meta_in_a_child_of_the_worker(redis_client: Redis, tmp_path: Path) -> None:
    queue = Queue("mail", connection=redis_client)
    job = queue.enqueue(jobs.succeed, on_stopped=Callback(jobs.use_meta_in_callback))
    store_noted_meta(redis_client, job, tmp_path / "loaded", 0)
    worker = SupervisedWorker(["mail"], connection=redis_client)
    fetched: Any = worker.job_class.fetch(job.id, connection=redis_client)

    fetched.stopped_callback(fetched, redis_client)

    ((process, parent),) = processes(tmp_path / "loaded")
    assert process != str(os.getpid()) == parent
    assert redis_client.get("meta") == b"['customer']"


def test_jobs_can_use_meta_with_json(redis_client: Redis) -> None:
    json = FORMATS["json"].serializer
    queue = Queue("mail", connection=redis_client, serializer=json)
    job = queue.enqueue(jobs.change_meta, meta={"customer": 7})
    worker = SupervisedWorker(["mail"], connection=redis_client, serializer=json)
    worker.work(burst=True, logging_level="CRITICAL")
    assert job.get_meta() == {"customer": 7, "seen": True}

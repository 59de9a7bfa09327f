"""A job with everything that RQ knows about it, for any serializer."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Repeat, Retry, SimpleWorker

from rq_mon.state.job_details import JobDetails, RelatedJob, read_job
from rq_mon.state.stored_jobs import SMALL
from tests.rq_mon.calls.test_stored_values import Evil
from tests.rq_mon.state import failing, jobs


@pytest.fixture(params=["pickle", "json"])
def serializer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def any_queue(redis_client: Redis, serializer: str) -> Queue:
    return Queue("mail", connection=redis_client, serializer=serializer)


@pytest.fixture
def work(any_queue: Queue, serializer: str) -> Callable[[], str]:
    """Run the jobs in the queue; return the worker's name."""

    def run() -> str:
        worker = SimpleWorker([any_queue], connection=any_queue.connection, serializer=serializer)
        worker.work(burst=True, logging_level="CRITICAL")
        return worker.name

    return run


def details(client: Redis, job_id: str, *, with_arguments: bool = False) -> JobDetails:
    found = read_job(client, job_id, with_arguments=with_arguments)
    assert found is not None
    return found


def test_a_queued_job_is_read(any_queue: Queue, redis_client: Redis) -> None:
    job = any_queue.enqueue(
        jobs.succeed,
        args=(1, "secret"),
        kwargs={"customer": "x"},
        description="charge a card",
        retry=Retry(max=3, interval=[10, 60]),
        repeat=Repeat(times=2, interval=30),
        job_timeout="3m",
        ttl=900,
        result_ttl=500,
        failure_ttl=-1,
        meta={"tenant": "acme", "trace": [1, 2]},
        on_failure=Callback(failing.callback_raises),
        on_success=Callback(jobs.succeed),
        on_stopped=Callback(jobs.return_it),
    )
    found = details(redis_client, job.id)
    assert (found.queue, found.status, found.function) == (
        "mail",
        "queued",
        "tests.rq_mon.state.jobs.succeed",
    )
    assert (found.description, found.meta_keys) == ("charge a card", ("tenant", "trace"))
    assert (found.retries_left, found.retry_intervals) == (3, (10.0, 60.0))
    assert (found.repeats_left, found.repeat_intervals) == (2, (30.0,))
    assert (found.timeout, found.ttl, found.result_ttl, found.failure_ttl) == (180, 900, 500, -1)
    assert found.callbacks == {
        "failure": "tests.rq_mon.state.failing.callback_raises",
        "success": "tests.rq_mon.state.jobs.succeed",
        "stopped": "tests.rq_mon.state.jobs.return_it",
    }
    assert found.enqueued_at == pytest.approx(time.time(), abs=60)
    assert (found.started_at, found.ended_at, found.wait_seconds, found.run_seconds) == (None,) * 4
    assert (found.outcome, found.exception, found.traceback, found.arguments) == ("", "", "", None)
    assert (found.result_type, found.result_bytes, found.result_count) == ("", 0, 0)
    assert found.arguments_bytes == redis_client.hstrlen(job.key, "data")

    shown = details(redis_client, job.id, with_arguments=True)
    assert shown.arguments == "1, 'secret', customer='x'"


def test_a_finished_job_is_read_with_its_result(
    any_queue: Queue, redis_client: Redis, work: Callable[[], str]
) -> None:
    job = any_queue.enqueue(jobs.return_it, {"a": "x" * 100})
    worker = work()
    found = details(redis_client, job.id)
    assert (found.status, found.outcome, found.worker) == ("finished", "successful", worker)
    assert (found.result_type, found.result_count) == ("dict", 1)
    assert 100 < found.result_bytes < 200
    assert found.wait_seconds is not None
    assert found.wait_seconds >= 0
    assert found.run_seconds is not None
    assert found.run_seconds >= 0


def test_a_result_that_cannot_be_decoded_has_no_type(redis_client: Redis) -> None:
    job = Queue("mail", connection=redis_client).enqueue(jobs.succeed)
    redis_client.xadd(f"rq:results:{job.id}", {"type": "1", "return_value": "a==="})

    found = details(redis_client, job.id)

    assert (found.outcome, found.result_type) == ("successful", "")


def test_a_large_result_is_not_read_whole(
    any_queue: Queue, redis_client: Redis, work: Callable[[], str]
) -> None:
    job = any_queue.enqueue(jobs.return_it, ["x" * 300_000])
    work()
    found = details(redis_client, job.id)
    assert found.result_type == "list"
    assert 300_000 < found.result_bytes < 300_100


def test_a_failed_job_is_read_with_its_traceback(
    any_queue: Queue, redis_client: Redis, work: Callable[[], str]
) -> None:
    job = any_queue.enqueue(failing.simple, retry=Retry(max=2))
    work()
    found = details(redis_client, job.id)
    assert (found.status, found.outcome, found.exception) == ("failed", "failed", "ValueError")
    assert found.retries_left == 0
    assert found.last_line == "ValueError: no such order"
    assert found.traceback.startswith("Traceback")
    assert found.traceback.rstrip().endswith("ValueError: no such order")


def test_retries_that_a_job_returned_are_counted(
    any_queue: Queue, redis_client: Redis, work: Callable[[], str]
) -> None:
    job = any_queue.enqueue(failing.asks_for_retries, 2)
    work()
    found = details(redis_client, job.id)
    assert (found.outcome, found.exception) == ("max_retries_exceeded", "MaxRetriesExceeded")
    assert (found.retries_asked_for, found.result_count) == (2, 3)


def test_dependencies_and_dependents_are_read_with_their_status(
    any_queue: Queue, redis_client: Redis, work: Callable[[], str]
) -> None:
    good, bad = any_queue.enqueue(jobs.succeed), any_queue.enqueue(failing.simple)
    waiting = any_queue.enqueue(jobs.succeed, depends_on=[good, bad])
    also = any_queue.enqueue(jobs.succeed, depends_on=bad)
    work()
    found = details(redis_client, waiting.id)
    assert found.status == "deferred"
    assert {*found.dependencies} == {RelatedJob(good.id, "finished"), RelatedJob(bad.id, "failed")}
    of_bad = details(redis_client, bad.id)
    assert {*of_bad.dependents} == {RelatedJob(waiting.id, "deferred"), RelatedJob(also.id, "deferred")}
    assert of_bad.dependent_count == 2
    redis_client.delete(good.key)
    assert RelatedJob(good.id, "") in details(redis_client, waiting.id).dependencies


def test_large_fields_are_not_read(redis_client: Redis) -> None:
    """The first dependency is in a field of its own."""
    job = Queue("mail", connection=redis_client).enqueue(jobs.succeed)
    meta = pickle.dumps({"tenant": "x" * SMALL})
    ids = json.dumps([f"order-{number}" for number in range(SMALL // 5)])
    redis_client.hset(
        job.key,
        mapping={"meta": meta, "dependency_ids": ids, "dependency_id": "first"},
    )

    found = details(redis_client, job.id)

    assert found.meta_keys is None
    assert found.dependencies == (RelatedJob("first", ""),)


def test_a_missing_job_is_none(redis_client: Redis) -> None:
    assert read_job(redis_client, "no-such-job") is None
    redis_client.lpush("rq:job:foreign", "x")
    assert read_job(redis_client, "foreign") is None


def test_no_code_runs_and_values_that_cannot_be_shown_are_marked(redis_client: Redis, tmp_path: Path) -> None:
    queue = Queue("mail", connection=redis_client)
    job = queue.enqueue(jobs.succeed, Evil(tmp_path / "ran"), meta={"evil": Evil(tmp_path / "ran")})
    found = details(redis_client, job.id, with_arguments=True)
    assert "system" in (found.arguments or "")
    assert found.meta_keys == ("evil",)
    assert not (tmp_path / "ran").exists()

    large = queue.enqueue(jobs.succeed, "x" * 200_000)
    assert "not shown: more than" in (details(redis_client, large.id, with_arguments=True).arguments or "")
    redis_client.hset(job.key, mapping={"data": b"\xc1\xff", "meta": b"\xc1\xff"})
    strange = details(redis_client, job.id, with_arguments=True)
    assert strange.meta_keys is None
    assert "cannot be shown" in (strange.arguments or "")


GARBAGE: dict[str, Any] = {
    "status": b"\xff",
    "origin": b"\xff\x00",
    "timeout": "nan",
    "ttl": "1e999",
    "created_at": "yesterday",
    "enqueued_at": b"\xff",
    "retries_left": "inf",
    "retry_intervals": "[" * 100_000,
    "repeat_intervals": '{"a": []}',
    "dependency_ids": "[[[",
    "meta": b"\x80\x05",
    "number_of_retries": "-",
}


@pytest.mark.parametrize("field", GARBAGE)
def test_garbage_in_one_field_does_not_affect_the_others(redis_client: Redis, field: str) -> None:
    job = Queue("mail", connection=redis_client).enqueue(jobs.succeed)
    redis_client.hset(job.key, field, GARBAGE[field])
    assert details(redis_client, job.id, with_arguments=True).function == "tests.rq_mon.state.jobs.succeed"


@pytest.mark.parametrize("suffix", [":dependents", "", None])
def test_a_job_is_read_despite_foreign_keys_around_it(redis_client: Redis, suffix: str | None) -> None:
    job = Queue("mail", connection=redis_client).enqueue(jobs.succeed)
    key = {
        ":dependents": f"rq:job:{job.id}:dependents",
        "": f"rq:results:{job.id}",
        None: f"rq:job::{job.id}:dependencies",
    }[suffix]
    redis_client.set(key, json.dumps("foreign"))
    assert details(redis_client, job.id).status == "queued"


def test_a_scheduled_job_is_read(any_queue: Queue, redis_client: Redis) -> None:
    job = any_queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    assert details(redis_client, job.id).status == "scheduled"

"""Ticks that no worker can run count as failed; other cron jobs keep running."""

from __future__ import annotations

import json
import pickle
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from rq import Queue, Retry, SimpleWorker, get_current_job
from rq.job import Job
from rq.utils import utcformat

from rq_mon import catalogue
from rq_mon.cron.definition import CronJob
from rq_mon.cron.extra_run import enqueue_now
from rq_mon.cron.queue_troubles import UNSERVED_SECONDS
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from tests.rq_mon.cron.cron import NOON, cron_job, make_due, tick_counts

CRON_JOB = "mine"


def with_call(name: str, instance: object = None, args: tuple[Any, ...] = ()) -> dict[str, str]:
    return {"function": name, "call": b64encode(pickle.dumps((name, instance, args, {}))).decode()}


class Gone:
    """A class that workers no longer have."""


def with_a_missing_class() -> dict[str, str]:
    module = ModuleType("gone")
    module.Gone = type("Gone", (), {"__module__": "gone"})  # type: ignore[attr-defined]
    sys.modules["gone"] = module
    try:
        return with_call("tests.harness.jobs.record", args=(module.Gone(),))
    finally:
        del sys.modules["gone"]


UNCALLABLE: dict[str, Callable[[], dict[str, str]]] = {
    "module gone": lambda: with_call("gone.job"),
    "function gone": lambda: with_call("tests.harness.jobs.gone"),
    "method gone": lambda: with_call("tests.harness.jobs.Counter.gone"),
    "method of an object gone": lambda: with_call("gone", instance=Gone()),
    "class of an argument gone": with_a_missing_class,
    "no pickle": lambda: {"call": b64encode(b"no pickle").decode()},
    "cut pickle": lambda: {"call": with_call("tests.harness.jobs.record", args=("x" * 99,))["call"][:60]},
    "pickle of something else": lambda: {"call": b64encode(pickle.dumps("text")).decode()},
}


def register_as(redis_client: Any, fields: dict[str, Any], **options: Any) -> CronJob:
    """Register a cron job, then write these fields as another version might have."""
    defined = cron_job(**options)
    CronRegistry(redis_client).register(defined)
    stored = json.dumps(json.loads(defined.to_json()) | fields)
    redis_client.hset(catalogue.CRON_JOBS_KEY, CRON_JOB, stored)
    return CronJob.from_json(CRON_JOB, stored)


def tick(redis_client: Any, number: int = 0) -> None:
    make_due(redis_client, CRON_JOB, NOON + 60 * number)
    TickClaims(redis_client, grace=3600).claim(NOON + 60 * number)


def work(redis_client: Any, kind: type[Any] = MonitoredSimpleWorker, queue: str = "queue") -> None:
    kind([queue], connection=redis_client).work(burst=True)


# ---- failures that only a worker sees ----


@pytest.mark.parametrize("worker", [MonitoredSimpleWorker, MonitoredWorker])
@pytest.mark.parametrize("case", UNCALLABLE)
def test_a_tick_whose_function_cannot_be_called_counts_as_failed(
    redis_client: Any, case: str, worker: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    register_as(redis_client, UNCALLABLE[case]())
    for number in range(2):
        tick(redis_client, number)

    work(redis_client, worker)

    assert tick_counts(redis_client) == {"enqueued": 2, "coalesced": 0, "missed": 0, "failed": 2}
    if worker is MonitoredSimpleWorker:  # which logs in this process
        reported = [message for message in caplog.messages if "failed tick" in message]
        assert [message.partition(": ")[2] for message in reported] == [
            f"failed tick of cron_job=mine: job mine-{NOON + 60 * number} cannot be called"
            for number in range(2)
        ]


@pytest.mark.parametrize(
    "call",
    [
        with_call("tests.harness.jobs.fail"),
        with_call("tests.harness.jobs.add", args=(1,)),  # too few arguments
        with_call("tests.harness.jobs.record", args=("value",)),
        with_call("time.sleep", args=("no number",)),  # no Python code
        with_call("tests.rq_mon.cron.test_failed_ticks.fetch_what_cannot_be_read"),
        with_call("tests.rq_mon.cron.test_failed_ticks.perform_missing_function"),
    ],
)
def test_a_tick_whose_function_was_called_does_not_count_as_failed(
    redis_client: Any, call: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    register_as(redis_client, call)
    tick(redis_client)

    work(redis_client)

    assert tick_counts(redis_client) == {"enqueued": 1, "coalesced": 0, "missed": 0, "failed": 0}
    job = Job.fetch(f"{CRON_JOB}-{NOON}", redis_client)
    assert job.is_finished or job.is_failed
    assert "failed tick" not in caplog.text


def perform_missing_function() -> None:
    """A job that performs another one itself."""
    current = get_current_job()
    assert current is not None
    Job.create("gone.job", connection=current.connection).perform()


def fetch_what_cannot_be_read() -> None:
    """An application's own problem with another job."""
    job = Job("any", data=b"no pickle", connection=None)  # type: ignore[call-arg]
    job.data = b"no pickle"
    job.args  # noqa: B018


def test_a_retried_tick_counts_as_failed_once(redis_client: Any) -> None:
    register_as(redis_client, UNCALLABLE["function gone"](), retry=Retry(2))
    tick(redis_client)

    work(redis_client)

    assert tick_counts(redis_client)["failed"] == 1


def test_a_tick_that_can_be_called_at_its_last_try_does_not_count_as_failed(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_as(redis_client, with_call("tests.harness.jobs.gone"), retry=Retry(1))
    tick(redis_client)
    queue = Queue("queue", connection=redis_client)
    worker = MonitoredSimpleWorker([queue], connection=redis_client)

    worker.work(burst=True, max_jobs=1)
    monkeypatch.setattr("tests.harness.jobs.gone", lambda: None, raising=False)
    worker.work(burst=True)

    assert queue.job_ids == []
    assert tick_counts(redis_client)["failed"] == 0


def test_a_failed_extra_run_does_not_count_as_a_failed_tick(redis_client: Any) -> None:
    defined = register_as(redis_client, UNCALLABLE["function gone"]())
    enqueue_now(redis_client, defined)

    work(redis_client)

    assert tick_counts(redis_client)["failed"] == 0


def test_the_tick_of_a_cron_job_that_was_cancelled_leaves_no_count(
    registry: CronRegistry, redis_client: Any
) -> None:
    register_as(redis_client, UNCALLABLE["function gone"]())
    tick(redis_client)
    registry.cancel(CRON_JOB)

    work(redis_client)

    assert tick_counts(redis_client) == {}


def test_a_job_ends_although_its_worker_may_not_count(
    redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    register_as(redis_client, UNCALLABLE["function gone"]())
    tick(redis_client)
    redis_client.delete(catalogue.CRON_TICKS_KEY)
    redis_client.set(catalogue.CRON_TICKS_KEY, "foreign")

    work(redis_client)

    assert Job.fetch(f"{CRON_JOB}-{NOON}", redis_client).is_failed
    assert "cannot count that failed tick" in caplog.text


# ---- failures that the cron scheduler sees ----


def waiting_since(redis_client: Any, seconds: float) -> float:
    """Make a job wait in the queue since some time; return the current time."""
    now = time.time()
    job = Queue("queue", connection=redis_client).enqueue("tests.harness.jobs.sleep", 0)
    since = utcformat(datetime.fromtimestamp(now - seconds, UTC))
    redis_client.hset(job.key, "enqueued_at", since)
    return now


def claim_now(redis_client: Any, claims: TickClaims, now: float) -> list[str]:
    make_due(redis_client, CRON_JOB, int(now))
    return [job.id for job in claims.claim(now)]


def test_a_tick_for_a_queue_without_workers_counts_as_failed_and_stays_queued(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry.register(cron_job())
    registry.register(cron_job(cron_job_id="other", queue_name="served"))
    now = waiting_since(redis_client, UNSERVED_SECONDS + 1)
    make_due(redis_client, "other", int(now))

    assert claim_now(redis_client, claims, now) == [f"mine-{int(now)}", f"other-{int(now)}"]

    assert tick_counts(redis_client) == {"enqueued": 1, "coalesced": 0, "missed": 0, "failed": 1}
    assert tick_counts(redis_client, "other")["failed"] == 0
    assert "failed tick of cron_job=mine: no worker listens to queue=queue" in caplog.text


@pytest.mark.parametrize("case", ["waits not for long", "has a worker", "is empty", "head is gone"])
def test_a_tick_does_not_count_as_failed_if_a_worker_may_still_come(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, case: str
) -> None:
    registry.register(cron_job())
    now = waiting_since(redis_client, 5 if case == "waits not for long" else UNSERVED_SECONDS + 60)
    if case == "has a worker":
        SimpleWorker(["queue"], connection=redis_client).register_birth()  # type: ignore[no-untyped-call]
    if case == "is empty":
        redis_client.delete("rq:queue:queue")
    if case == "head is gone":
        redis_client.delete(f"rq:job:{redis_client.lindex('rq:queue:queue', 0).decode()}")

    claim_now(redis_client, claims, now)

    assert tick_counts(redis_client) == {"enqueued": 1, "coalesced": 0, "missed": 0, "failed": 0}


@pytest.mark.parametrize("key", ["rq:queue:queue", "rq:workers:queue"])
def test_a_foreign_key_instead_of_a_queue_does_not_stop_other_cron_jobs(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, key: str
) -> None:
    registry.register(cron_job())
    registry.register(cron_job(cron_job_id="other", queue_name="fine"))
    redis_client.set(key, "foreign")
    for each in ("mine", "other"):
        make_due(redis_client, each, NOON)

    enqueued = [job.id for job in claims.claim(NOON)]

    is_queue = key == "rq:queue:queue"
    assert enqueued == ([] if is_queue else [f"mine-{NOON}"]) + [f"other-{NOON}"]
    assert tick_counts(redis_client)["failed"] == int(is_queue)
    assert tick_counts(redis_client, "other") == {"enqueued": 1, "coalesced": 0, "missed": 0, "failed": 0}
    assert claims.next_tick() == NOON + 60


@pytest.mark.parametrize("name", ["", "a,b", "   ", None, 5])
def test_a_definition_with_an_invalid_queue_counts_as_failed(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, name: Any
) -> None:
    registry.register(cron_job(cron_job_id="other"))
    stored = json.dumps(json.loads(cron_job().to_json()) | {"queue": name})
    redis_client.hset(catalogue.CRON_JOBS_KEY, CRON_JOB, stored)
    for each in ("mine", "other"):
        make_due(redis_client, each, NOON)

    assert [job.id for job in claims.claim(NOON)] == [f"other-{NOON}"]
    assert tick_counts(redis_client) == {"failed": 1}


def test_a_definition_that_raises_does_not_stop_other_cron_jobs(
    registry: CronRegistry, claims: TickClaims, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a cron scheduler that crashed because of it would crash again after its restart."""
    registry.register(cron_job())
    registry.register(cron_job(cron_job_id="other"))
    for each in ("mine", "other"):
        make_due(redis_client, each, NOON)
    create_job_for = CronJob.create_job_for

    def break_mine(cron_job: CronJob, *args: Any) -> Job:
        if cron_job.id == CRON_JOB:
            raise RuntimeError("unforeseen")
        return create_job_for(cron_job, *args)

    monkeypatch.setattr(CronJob, "create_job_for", break_mine)

    assert [job.id for job in claims.claim(NOON)] == [f"other-{NOON}"]
    assert tick_counts(redis_client)["failed"] == 1
    assert claims.next_tick() == NOON + 60


def test_a_cron_job_that_is_repaired_and_breaks_again_is_logged_again(
    claims: TickClaims, redis_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for number, definition in enumerate(["{", "{", cron_job().to_json(), "{"]):
        redis_client.hset(catalogue.CRON_JOBS_KEY, CRON_JOB, definition)
        make_due(redis_client, CRON_JOB, NOON + 60 * number)
        claims.claim(NOON + 60 * number)

    assert caplog.text.count("failed tick of cron_job=mine") == 2

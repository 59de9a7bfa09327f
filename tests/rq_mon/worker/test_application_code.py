"""Faults in an application's callbacks and handlers stop neither a MonitoredWorker nor its other jobs."""

from __future__ import annotations

import logging
import time
from importlib.metadata import version
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Retry
from rq.command import send_stop_job_command
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.registry import FailedJobRegistry

from proofs.harness.waiting import wait_until
from rq_mon.worker import survival
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import hooks, jobs
from tests.rq_mon.worker.counters import ends, failures, running
from tests.rq_mon.worker.processes import RQ

IS_RQ_3 = version("rq").startswith("3.")
HANDLERS = "tests.rq_mon.worker.hooks"


def named(function: str) -> Callback:
    """A callback.

    Those that never end time out after a second; a busy machine may need longer for the others.
    """
    return Callback(f"{HANDLERS}.{function}", timeout=1 if function in hooks.ENDLESS else 60)


def trace(redis: Redis) -> list[str]:
    found: Any = redis.lrange("trace", 0, -1)
    return [text.decode() for text in found]


def lose(queue: Queue, job: Job) -> None:
    """Leave the job as a worker leaves it that was killed while running it."""
    queue.remove(job)
    with queue.connection.pipeline() as pipeline:
        Execution.create(job, 60, pipeline)
        job.prepare_for_execution("killed", pipeline)
        pipeline.execute()
    for entry in queue.connection.zrange(queue.started_job_registry.key, 0, -1):  # type: ignore[union-attr]
        queue.connection.zadd(queue.started_job_registry.key, {entry: 1})


def test_after_a_handler_raised_the_failure_is_recorded_and_the_next_handler_called(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    job, following = queue.enqueue(jobs.fail), queue.enqueue(jobs.succeed)
    options = [f"--exception-handler={HANDLERS}.{name}" for name in ("raises", "works")]
    log = rq.work("mail", worker_class=worker_class, options=(*options,))

    assert (job.get_status(), following.get_status()) == ("failed", "finished")
    assert failures(redis_client, "mail") == {("fail", "ValueError"): 1}
    assert trace(redis_client) == ["raises", "works"]
    assert f"Job {job.id}: an exception handler failed" in log
    assert "LookupError: the hook is broken" in log


def test_a_handler_that_returns_false_is_the_last_one_called(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.fail)
    options = [f"--exception-handler={HANDLERS}.{name}" for name in ("stops_the_chain", "works")]
    rq.work("mail", worker_class=worker_class, options=(*options,))
    assert trace(redis_client) == ["stops_the_chain"]


def test_a_job_is_stopped_and_its_worker_goes_on_even_if_the_stopped_callback_raises(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.wait_for_release, on_stopped=named("raises"), retry=Retry(2))
    with rq.start_worker("mail") as worker:
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        send_stop_job_command(redis_client, job.id)
        wait_until(lambda: job.get_status() == "stopped", "the job to be stopped")
        following = queue.enqueue(jobs.succeed)
        wait_until(lambda: following.get_status() == "finished", "the worker to go on")
        assert worker.poll() is None
    assert ends(redis_client, "mail") == {("wait_for_release", "stopped"): 1, ("succeed", "success"): 1}
    own_words = f"job {job.id}: the application's code failed when the job ended"
    assert (job.id if IS_RQ_3 else own_words) in rq.log.read_text()
    assert trace(redis_client) == ["raises"]
    assert running(redis_client, "mail") == 0


def test_a_job_is_failed_even_if_the_handler_of_killed_work_horses_raises(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("rq.worker").propagate = True

    def broken(*_: Any) -> None:
        raise LookupError

    worker = start_worker("mail", work_horse_killed_handler=broken)
    job = queue.enqueue(jobs.kill_work_horse)
    worker.execute_job(job, queue)
    assert job.get_status() == "failed"
    assert failures(redis_client, "mail") == {("kill_work_horse", "WorkHorseKilled"): 1}
    assert f"job {job.id}: work_horse_killed_handler failed" in caplog.text


@pytest.mark.parametrize("kind", [MonitoredWorker, MonitoredSimpleWorker])
@pytest.mark.parametrize("callback", ["raises", "takes_too_long", "cannot_be_imported", "never_awaited"])
def test_maintenance_ends_all_abandoned_jobs_even_if_callbacks_fail(
    redis_client: Redis,
    start_worker: StartWorker,
    kind: Any,
    callback: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger("rq.worker").propagate = True
    mail, sms = Queue("mail", connection=redis_client), Queue("sms", connection=redis_client)
    broken = mail.enqueue(jobs.succeed, on_failure=named(callback))
    others = [mail.enqueue(jobs.succeed, on_failure=named("works")) for _ in range(2)]
    elsewhere = sms.enqueue(jobs.succeed)
    again = mail.enqueue(jobs.succeed, on_failure=named(callback), retry=Retry(1))
    for job in (broken, *others, again):
        lose(mail, job)
    lose(sms, elsewhere)

    start_worker("mail", "sms", kind=kind).run_maintenance_tasks()

    assert {job.get_status() for job in (broken, *others, elsewhere)} == {"failed"}
    assert again.get_status() == "queued"
    assert redis_client.zcard(mail.started_job_registry.key) == 0
    assert trace(redis_client).count("works") == 2
    reported = [
        record.message for record in caplog.records if "its failure callback failed" in record.message
    ]
    assert sorted(reported) == sorted(
        f"Job {job.id}: its failure callback failed; the job ends as it would without it"
        for job in (broken, again)
    )


def test_maintenance_fails_jobs_with_unreadable_hashes_and_survives_handlers_that_raise(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("rq.worker").propagate = True
    unreadable = [queue.enqueue(jobs.succeed) for _ in range(2)]
    readable = queue.enqueue(jobs.succeed)
    gone = queue.enqueue(jobs.succeed)
    for job in (*unreadable, readable, gone):
        lose(queue, job)
    redis_client.hset(unreadable[0].key, "status", "odd")
    redis_client.hset(unreadable[1].key, "created_at", "yesterday")
    redis_client.delete(gone.key)
    worker = start_worker("mail", exception_handlers=[hooks.raises, hooks.works])

    worker.run_maintenance_tasks()

    assert redis_client.zcard(queue.started_job_registry.key) == 0
    failed = FailedJobRegistry(queue=queue).get_job_ids(cleanup=False)
    assert sorted(failed) == sorted(job.id for job in (*unreadable, readable))
    for job in (*unreadable, readable):
        assert redis_client.hmget(job.key, ["status"]) == [b"failed"]
    assert trace(redis_client).count("works") >= 1
    reported = [record.message for record in caplog.records if "its hash cannot be read" in record.message]
    assert sorted(reported) == sorted(
        f"Job {job.id}: failed, because its worker died and its hash cannot be read" for job in unreadable
    )
    assert queue.acquire_maintenance_lock()


RQ_CATCHES_IT = pytest.mark.skipif(IS_RQ_3, reason="RQ 3 itself holds it back")


@pytest.mark.parametrize("hook", [pytest.param("callback", marks=RQ_CATCHES_IT), "handler", "maintenance"])
def test_a_worker_that_is_asked_to_stop_during_maintenance_stops(
    queue: Queue, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    """RQ's signal handler raises StopRequested at whatever line an idle worker is."""

    def stop_requested(*_: Any) -> None:
        raise StopRequested

    lose(
        queue, queue.enqueue(jobs.succeed, on_failure=named("stop_requested") if hook == "callback" else None)
    )
    monkeypatch.setattr(hooks, "stop_requested", stop_requested, raising=False)
    worker = start_worker("mail", exception_handlers=[stop_requested] if hook == "handler" else [])
    if hook == "maintenance":
        monkeypatch.setattr(survival, "remove_ghosts", stop_requested)
    with pytest.raises(StopRequested):
        worker.run_maintenance_tasks()


def test_other_queues_are_cleaned_even_if_one_cannot_be(
    redis_client: Redis, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("rq.worker").propagate = True
    redis_client.set("rq:finished:mail", "no sorted set")
    sms = Queue("sms", connection=redis_client)
    job = sms.enqueue(jobs.succeed)
    lose(sms, job)
    worker = start_worker("mail", "sms")
    begun = time.monotonic()

    worker.run_maintenance_tasks()

    assert job.get_status() == "failed"
    assert f"Worker {worker.name}: queue mail: maintenance failed" in caplog.text
    assert not worker.should_run_maintenance_tasks
    assert Queue("mail", connection=redis_client).acquire_maintenance_lock()
    assert time.monotonic() - begun < 60

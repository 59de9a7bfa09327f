"""Callbacks and handlers of applications cannot harm the stack's own workers."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Retry
from rq.job import Job

from proofs.harness.waiting import wait_until
from rq_mon.worker.monitored_worker import MonitoredWorker
from scheduler import apart
from scheduler.apart import EndedBadlyError, run_apart
from scheduler.supervised_queue import SupervisedQueue
from scheduler.supervised_worker import SupervisedWorker
from tests.harness import jobs
from tests.harness.processes import Start
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import hooks
from tests.rq_mon.worker import jobs as metric_jobs
from tests.rq_mon.worker.counters import ends, failures, running
from tests.rq_mon.worker.test_application_code import lose, named, trace

BAD = (
    "raises",
    "takes_too_long",
    "hangs",
    "exits",
    "exits_with_success",
    "ends_the_interpreter",
    "never_awaited",
    "cannot_be_imported",
)
CALLBACKS = pytest.mark.parametrize("callback", BAD)
EVERY_TWO_SECONDS = {"RQ_JOB_MONITORING_INTERVAL_SECONDS": "2"}


@pytest.fixture
def queue(redis_client: Redis) -> SupervisedQueue:
    return SupervisedQueue("mail", connection=redis_client)


@pytest.fixture
def worker(redis_client: Redis, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker controlled by the test, also right after its start, with a readable log."""
    monkeypatch.setattr("scheduler.outages.REPORTS_AFTER_AN_OUTAGE", 0)
    monkeypatch.setattr(apart, "GRACE_SECONDS", 0.3)
    logging.getLogger("rq.worker").propagate = True
    return start_worker("mail", "sms", kind=SupervisedWorker, name="ann", job_monitoring_interval=2)


def run(worker: Any, queue: Queue, job: Job) -> None:
    taken = worker.queue_class.dequeue_any(
        [worker.queues[0]], None, worker.connection, job_class=worker.job_class
    )
    assert taken[0].id == job.id
    worker.execute_job(*taken)


@CALLBACKS
def test_a_job_that_returned_is_a_success_even_if_its_callback_fails(
    worker: Any, queue: Queue, redis_client: Redis, callback: str
) -> None:
    job = queue.enqueue(jobs.add, 1, 2, on_success=named(callback), retry=Retry(2))
    run(worker, queue, job)
    assert job.get_status() == "finished"
    assert job.return_value() == 3
    assert ends(redis_client, "mail") == {("tests.harness.jobs.add", "success"): 1}
    assert queue.job_ids == []


@CALLBACKS
def test_a_job_that_raised_fails_with_its_own_exception(
    worker: Any, queue: Queue, redis_client: Redis, callback: str
) -> None:
    job = queue.enqueue(jobs.fail, on_failure=named(callback))
    run(worker, queue, job)
    assert job.get_status() == "failed"
    assert failures(redis_client, "mail") == {("tests.harness.jobs.fail", "ZeroDivisionError"): 1}
    assert "spanner in the works" in str(job.latest_result().exc_string)  # type: ignore[union-attr]


@CALLBACKS
def test_a_stopped_job_is_stopped_even_if_its_callback_fails(
    worker: Any, queue: Queue, redis_client: Redis, callback: str
) -> None:
    job = queue.enqueue(metric_jobs.kill_work_horse, on_stopped=named(callback), retry=Retry(2))
    worker._stopped_job_id = job.id
    run(worker, queue, job)
    assert job.get_status() == "stopped"
    assert ends(redis_client, "mail") == {("kill_work_horse", "stopped"): 1}
    assert (queue.job_ids, running(redis_client, "mail")) == ([], 0)


@CALLBACKS
def test_maintenance_ends_the_jobs_of_dead_workers_and_goes_on(
    worker: Any, queue: Queue, redis_client: Redis, callback: str
) -> None:
    job, other = queue.enqueue(jobs.add, on_failure=named(callback)), queue.enqueue(jobs.add)
    elsewhere = SupervisedQueue("sms", connection=redis_client).enqueue(jobs.add)
    for each in (job, other, elsewhere):
        lose(Queue(each.origin, connection=redis_client), each)
    worker.run_maintenance_tasks()
    assert [each.get_status() for each in (job, other, elsewhere)] == ["failed"] * 3


@pytest.mark.parametrize(
    "handler", ["raises", "hangs", "exits", "exits_with_success", "ends_the_interpreter"]
)
def test_after_a_failing_exception_handler_the_failure_is_recorded_and_the_next_one_called(
    worker: Any, queue: Queue, redis_client: Redis, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if handler in hooks.ENDLESS:
        monkeypatch.setattr("scheduler.supervised_worker.CALLBACK_TIMEOUT", 5)
    worker.push_exc_handler(getattr(hooks, handler))
    worker.push_exc_handler(hooks.stops_the_chain)
    worker.push_exc_handler(hooks.works)
    job, lost = queue.enqueue(jobs.fail), queue.enqueue(jobs.add)
    run(worker, queue, job)
    assert job.get_status() == "failed"
    assert failures(redis_client, "mail") == {("tests.harness.jobs.fail", "ZeroDivisionError"): 1}
    assert trace(redis_client) == [handler, "stops_the_chain"]

    lose(queue, lost)
    worker.run_maintenance_tasks()
    assert lost.get_status() == "failed"
    assert trace(redis_client) == [handler, "stops_the_chain"] * 2


def test_the_exception_of_a_callback_is_logged_with_its_job(
    worker: Any, queue: Queue, tmp_path: Path
) -> None:
    log = logging.FileHandler(tmp_path / "log")
    logging.getLogger("rq.worker").addHandler(log)
    job = queue.enqueue(jobs.add, 1, 2, on_success=named("raises"))
    run(worker, queue, job)
    logging.getLogger("rq.worker").removeHandler(log)
    log.close()
    reported = (tmp_path / "log").read_text()
    assert f"Job {job.id}: its success callback failed" in reported
    assert "LookupError: the hook is broken" in reported


def test_a_success_callback_gets_the_result(worker: Any, queue: Queue, redis_client: Redis) -> None:
    job = queue.enqueue(jobs.add, 1, 2, on_success=Callback(f"{__name__}.keep_result"))
    run(worker, queue, job)
    assert redis_client.get("result") == b"3"


def keep_result(job: Job, connection: Redis, result: object) -> None:
    connection.set("result", str(result))


@pytest.mark.slow
def test_a_slow_callback_in_maintenance_does_not_make_the_running_job_look_dead(
    redis_client: Redis, start: Start
) -> None:
    """Abandoned means 6 s without a heartbeat, which is also the lease; the callback takes 9 s."""
    queue = SupervisedQueue("short-running", connection=redis_client)
    process = start("short-running-worker.py", **EVERY_TWO_SECONDS)
    running_job = queue.enqueue(metric_jobs.wait_for_release)
    wait_until(lambda: redis_client.exists("pid"), "the job to run")
    lost = queue.enqueue(jobs.add, on_failure=Callback(f"{__name__}.take_nine_seconds_once"))
    lose(queue, lost)
    wait_until(lambda: redis_client.exists("callback begun"), "the callback")

    other = start("short-running-worker.py", **EVERY_TWO_SECONDS)
    wait_until(lambda: lost.get_status() == "failed", "the lost job to be failed")
    redis_client.set("release", 1)
    wait_until(lambda: running_job.get_status() == "finished", "the job to end")

    assert redis_client.get("callback begun") == b"1"  # the lease was renewed
    assert ends(redis_client, "short-running")["wait_for_release", "success"] == 1
    assert ("wait_for_release", "abandoned") not in ends(redis_client, "short-running")
    assert (process.popen.poll(), other.popen.poll()) == (None, None)
    assert "ended though" not in process.output + other.output


def take_nine_seconds_once(job: Job, connection: Redis, *_: Any) -> None:
    if connection.incr("callback begun") == 1:
        time.sleep(9)


@pytest.mark.slow
def test_the_maintenance_lock_of_a_killed_worker_expires_soon(redis_client: Redis, start: Start) -> None:
    queue = SupervisedQueue("short-running", connection=redis_client)
    killed = start("short-running-worker.py", **EVERY_TWO_SECONDS)
    lost = queue.enqueue(jobs.add, on_failure=Callback(f"{__name__}.take_nine_seconds_once"))
    lose(queue, lost)
    wait_until(lambda: redis_client.exists("callback begun"), "the callback")

    killed.kill()
    left: Any = redis_client.pttl(queue.registry_cleaning_key)
    start("short-running-worker.py", **EVERY_TWO_SECONDS)

    assert left <= 6000  # three heartbeats, as for the running job
    wait_until(lambda: lost.get_status() == "failed", "another worker to fail the lost job")
    assert redis_client.get("callback begun") == b"2"


def test_a_worker_whose_maintenance_lock_has_expired_does_not_release_the_next_ones(
    redis_client: Redis,
) -> None:
    late, in_time, third = (SupervisedQueue("mail", connection=redis_client) for _ in range(3))
    assert late.acquire_maintenance_lock()
    redis_client.delete(late.registry_cleaning_key)  # its lease has ended
    assert in_time.acquire_maintenance_lock()

    late.keep_maintenance_lock()
    late.release_maintenance_lock()

    assert not third.acquire_maintenance_lock()
    in_time.release_maintenance_lock()
    assert third.acquire_maintenance_lock()


def test_run_apart_returns_the_result() -> None:
    assert run_apart(lambda: None, 5, lambda: None) is True
    assert run_apart(lambda: False, 5, lambda: None) is False
    with pytest.raises(EndedBadlyError, match="exit code 7"):
        run_apart(lambda: os._exit(7), 5, lambda: None)
    calls: list[int] = []
    with pytest.raises(EndedBadlyError, match="signal 9"):
        run_apart(lambda: time.sleep(30), 0.2, lambda: calls.append(1))
    assert len(calls) > 1


def test_a_monitored_worker_fails_a_job_whose_success_callback_fails_as_rq_does(
    queue: Queue, start_worker: StartWorker, redis_client: Redis
) -> None:
    """According to RQ's documentation, the job has failed."""
    plain = start_worker("mail", kind=MonitoredWorker)
    job = queue.enqueue(jobs.add, 1, 2, on_success=named("raises"))
    plain.execute_job(job, plain.queues[0])
    assert job.get_status() == "failed"

"""Jobs that are stopped, cancelled or deleted while they run, and work horses that die."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.utils import now

from rq_mon.catalogue import FAILURE_NOT_RECORDED, WORK_HORSE_EXITED, WORK_HORSE_KILLED
from rq_mon.worker.abandoned import RunningExecution
from rq_mon.worker.failure_text import LONGEST_LINE, LONGEST_TEXT, recordable
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker, Run, _run_time
from scheduler.supervised_worker import SupervisedWorker
from tests.harness.workers import StartWorker, workers_now
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, failures, running, series
from tests.rq_mon.worker.processes import RQ

FORKING = pytest.mark.parametrize("kind", [MonitoredWorker, SupervisedWorker])


def cancel(worker: Any, job: Job) -> None:
    job.cancel()


def delete(worker: Any, job: Job) -> None:
    job.delete()


def stop(worker: Any, job: Job) -> None:
    """Do what RQ does when a stop command arrives."""
    worker._stopped_job_id = job.id


def run_and(worker: Any, job: Job, *steps: Callable[[Any, Job], None]) -> None:
    """Run a job that waits to be released; take these steps while it runs, then release it."""
    worker.connection.delete("release")
    forked = worker.fork_work_horse

    def fork(*args: Any) -> None:
        forked(*args)
        seen = Job.fetch(job.id, connection=worker.connection)
        deadline = time.monotonic() + 10
        while seen.get_status() != "started" and time.monotonic() < deadline:
            time.sleep(0.01)
        for step in steps:
            step(worker, seen)
        worker.connection.set("release", 1)

    worker.fork_work_horse = fork
    try:
        take_and_run(worker, job)
    finally:
        del worker.fork_work_horse


def take_and_run(worker: Any, job: Job) -> None:
    worker.queues[0].remove(job.id)
    worker.execute_job(job, worker.queues[0])
    worker.check_for_suspension(burst=False)  # as the worker's loop does next


def idle_worker_and_no_trace(redis: Redis) -> None:
    (seen,) = workers_now(redis)
    assert (seen.state, seen.job_id, seen.job) == ("idle", None, None)
    assert running(redis, "mail") == 0
    assert redis.zcard("rq:wip:mail") == 0


@FORKING
@pytest.mark.parametrize(
    "steps", [(stop,), (cancel, stop), (stop, cancel), (delete, stop), (stop, delete), (cancel, delete, stop)]
)
def test_a_stopped_job_counts_as_stopped_even_if_it_is_cancelled_or_deleted_too(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, kind: Any, steps: Any
) -> None:
    worker = start_worker("mail", kind=kind)
    job = queue.enqueue(jobs.die_when_released, retry=Retry(2))
    run_and(worker, job, *steps)

    assert ends(redis_client, "mail") == {("die_when_released", "stopped"): 1}
    assert failures(redis_client, "mail") == {}
    assert queue.job_ids == []
    idle_worker_and_no_trace(redis_client)
    assert Job.exists(job.id, connection=redis_client) == (delete not in steps)

    again = queue.enqueue(jobs.kill_work_horse, job_id=job.id)  # the stop command was for the job before
    take_and_run(worker, again)
    assert ends(redis_client, "mail")["kill_work_horse", "failed"] == 1


@FORKING
@pytest.mark.parametrize(("step", "retry"), [(cancel, None), (delete, None), (delete, Retry(2))])
def test_a_job_that_was_cancelled_or_deleted_fails_once_if_its_work_horse_dies(
    redis_client: Redis,
    queue: Queue,
    start_worker: StartWorker,
    kind: Any,
    step: Any,
    retry: Retry | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A deleted job is not retried, even if it has retries left."""
    logging.getLogger("rq.worker").propagate = True
    job = queue.enqueue(jobs.die_when_released, retry=retry)
    run_and(start_worker("mail", kind=kind), job, step)
    assert failures(redis_client, "mail") == {("die_when_released", WORK_HORSE_KILLED): 1}
    assert ends(redis_client, "mail") == {("die_when_released", "failed"): 1}
    idle_worker_and_no_trace(redis_client)
    assert (f"job {job.id} was deleted while it ran" in caplog.text) == (step is delete)


def test_the_stacks_worker_does_not_retry_a_cancelled_job(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    job = queue.enqueue(jobs.die_when_released, retry=Retry(2))
    run_and(start_worker("mail", kind=SupervisedWorker), job, cancel)
    assert ends(redis_client, "mail") == {("die_when_released", "failed"): 1}
    assert queue.job_ids == []


@FORKING
@pytest.mark.parametrize("step", [cancel, delete])
def test_a_job_that_was_cancelled_or_deleted_and_returns_is_a_success(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, kind: Any, step: Any
) -> None:
    job = queue.enqueue(jobs.return_when_released)
    run_and(start_worker("mail", kind=kind), job, step)
    assert ends(redis_client, "mail") == {("return_when_released", "success"): 1}
    idle_worker_and_no_trace(redis_client)


# --- how a work horse ends ---------------------------------------------------------------------------------


@FORKING
@pytest.mark.parametrize(
    ("function", "exception"),
    [("kill_work_horse", WORK_HORSE_KILLED), ("exit_work_horse", WORK_HORSE_EXITED)],
)
def test_killed_and_exited_work_horses_count_as_different_failures(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, kind: Any, function: str, exception: str
) -> None:
    worker = start_worker("mail", kind=kind)
    take_and_run(worker, queue.enqueue(getattr(jobs, function)))
    take_and_run(worker, queue.enqueue(jobs.succeed))
    assert failures(redis_client, "mail") == {(function, exception): 1}


@FORKING
def test_a_failure_that_could_not_be_recorded_counts_as_such(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, kind: Any
) -> None:
    class Unlucky(kind):  # type: ignore[misc]
        def handle_job_failure(self, *args: Any, **kwargs: Any) -> None:
            if self.is_horse:
                raise OSError("no space left")
            super().handle_job_failure(*args, **kwargs)

    worker = start_worker("mail", kind=Unlucky)
    job = queue.enqueue(jobs.fail)
    take_and_run(worker, job)
    assert job.get_status() == "failed"
    assert failures(redis_client, "mail") == {("fail", FAILURE_NOT_RECORDED): 1}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (b"caf\xe9.csv".decode("utf-8", "surrogateescape"), "caf\\udce9.csv"),
        ("\ud83d and nothing", "\\ud83d and nothing"),
        ("a\0b", "a\\x00b"),
        ("x" * 50_000_000, "characters left out"),
        ("line\n" * 1_000_000, "characters left out"),
    ],
    ids=["a file's name", "half a character", "NUL", "50 MB", "a million lines"],
)
def test_an_exception_with_any_message_is_recorded(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str, message: str, kept: str
) -> None:
    job = queue.enqueue(jobs.fail_with_message, [ord(c) for c in message[:20]], len(message))
    rq.work("mail", worker_class=worker_class)
    assert job.get_status() == "failed"
    assert failures(redis_client, "mail") == {("fail_with_message", "ValueError"): 1}
    text = str(job.latest_result().exc_string)  # type: ignore[union-attr]
    assert kept in text
    assert "ValueError: " in text
    assert "fail_with_message" in text
    assert len(text) < LONGEST_TEXT + 1_000


def test_only_too_long_lines_and_texts_are_cut() -> None:
    short = "ValueError: " + "a" * (LONGEST_LINE - 12)
    assert recordable(short) == short
    assert len(recordable(short + "aa")) < len(short) + 100
    assert recordable(short + "aa").startswith("ValueError: aaa")
    assert recordable("head\n" + "b" * 20_000 + "\nRuntimeError: outer").endswith("\nRuntimeError: outer")


# --- times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job_started", "job_ended", "at_least", "at_most"),
    [
        (0, 5, 5, 5),
        (1, 5, 4, 4),  # RQ's own times
        (-100, 5, 5, 5),  # RQ's start belongs to the run before
        (-100, -90, 7, 60),  # so does its end: count until now
        (None, None, 7, 60),
    ],
)
def test_run_time_covers_this_run_only(
    redis_client: Redis, job_started: float | None, job_ended: float | None, at_least: float, at_most: float
) -> None:
    started = now() - timedelta(seconds=7)
    job = Job.create("app.send", connection=redis_client)
    job.started_at = None if job_started is None else started + timedelta(seconds=job_started)
    job.ended_at = None if job_ended is None else started + timedelta(seconds=job_ended)
    assert at_least <= _run_time(job, started) <= at_most + 1e-6


def test_run_time_is_zero_if_the_clock_was_set_back(redis_client: Redis) -> None:
    job = Job.create("app.send", connection=redis_client)
    job.started_at = job.ended_at = None
    assert _run_time(job, now() + timedelta(hours=1)) == 0


def test_the_run_time_of_a_job_stopped_in_its_second_run_is_that_of_the_second(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker("mail")
    job = queue.enqueue(jobs.fail_then_sleep, retry=Retry(1))
    worker.execute_job(job, worker.queues[0])
    second = Job.fetch(job.id, connection=redis_client)
    worker._stopped_job_id = second.id
    worker.execute_job(second, worker.queues[0])
    stopped = series(redis_client, "mail", "tests.rq_mon.worker.jobs.fail_then_sleep").outcomes["stopped"]
    assert (stopped.count, stopped.seconds > 0.3) == (1, True)


# --- the record of a run -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout", "interval"), [(100, 7), (300, 30)])
def test_the_deadline_of_a_running_job_is_when_rq_would_have_killed_it(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, timeout: int, interval: int
) -> None:
    """RQ waits a minute after the timeout, and checks once per monitoring interval."""
    worker = start_worker("mail", job_monitoring_interval=interval)
    worker.prepare_execution(queue.enqueue(jobs.succeed, job_timeout=timeout))
    (text,) = redis_client.hvals("rq:monitor:running:mail")  # type: ignore[misc]
    left = RunningExecution.decode(text.decode()).deadline - time.time()
    assert timeout + 60 + interval <= left <= timeout + interval + 130


def test_a_running_job_without_timeout_has_no_deadline(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    start_worker("mail").prepare_execution(queue.enqueue(jobs.succeed, job_timeout=-1))
    (text,) = redis_client.hvals("rq:monitor:running:mail")  # type: ignore[misc]
    assert RunningExecution.decode(text.decode()).deadline == float("inf")


def lose_on_its_way(redis: Redis, queue: Queue, job: Job) -> None:
    redis.rpush(queue.intermediate_queue_key, job.id)
    redis.set(queue.intermediate_queue.get_first_seen_key(job.id), time.time() - 61)


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_job_stuck_in_the_intermediate_queue_counts_apart_from_its_earlier_run(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, is_busy: bool
) -> None:
    """Also if the worker does its maintenance while it runs another job."""
    worker = start_worker("mail", kind=MonitoredSimpleWorker)
    job = queue.enqueue(jobs.succeed)
    queue.remove(job)
    worker.execute_job(job, queue)
    if is_busy:
        other = queue.enqueue(jobs.succeed_again)
        worker._job, worker._run = other, Run("other", other.id, "app.other", now())
    job = queue.enqueue_job(Job.fetch(job.id, connection=redis_client))
    queue.remove(job)
    lose_on_its_way(redis_client, queue, job)

    worker.clean_registries()

    assert ends(redis_client, "mail") == {("succeed", "success"): 1, ("succeed", "abandoned"): 1}


# --- settings in environments -------------------------------------------------------------------------------


def test_settings_limit_the_number_of_functions_and_exceptions(
    rq: RQ, queue: Queue, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE", "1")
    monkeypatch.setenv("RQ_METRICS_MAX_EXCEPTIONS_PER_FUNCTION", "2")
    for name in "ABC":
        queue.enqueue(jobs.fail_with, name)
    queue.enqueue(jobs.succeed)
    rq.work("mail")
    assert ends(redis_client, "mail") == {("fail_with", "failed"): 3, ("other", "success"): 1}
    assert failures(redis_client, "mail") == {("fail_with", name): 1 for name in ("A", "B", "other")}


@pytest.mark.parametrize(
    ("variable", "value", "warns"),
    [
        ("SCHEDULER_TIMEZONE", "Local", False),
        ("RQ_SERIALIZER", "rq.serializers.JSONSerializer", False),
        ("RQ_LOG_LEVEL", "TRACE", False),
        ("RQ_RESULT_TTL_SECONDS", "-1", False),
        ("RQ_REDIS_CA_FILE", "/nowhere", False),
        ("RQ_REDIS_PASSWORD_FILE", "/nowhere", False),
        ("RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE", "many", True),
        ("RQ_METRICS_MAX_EXCEPTIONS_PER_FUNCTION", "0", True),
    ],
)
def test_an_applications_worker_starts_with_invalid_settings_in_its_environment(
    rq: RQ,
    queue: Queue,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    warns: bool,
) -> None:
    monkeypatch.setenv(variable, value)
    job = queue.enqueue(jobs.succeed)
    log = rq.work("mail")
    assert job.get_status() == "finished"
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}
    assert (f"{variable}: expected" in log) == warns
    assert redis_client.smembers("rq:workers") == set()

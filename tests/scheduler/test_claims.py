"""A worker that freezes before it starts the job it took: meanwhile others put the job back."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from redis import Redis
from rq.job import Job
from rq.worker import WorkerStatus

from proofs.harness.waiting import wait_until
from scheduler import supervised_queue
from scheduler.supervised_queue import SupervisedQueue
from scheduler.supervised_worker import SupervisedWorker
from tests.harness import jobs
from tests.harness.processes import SOON, Start
from tests.harness.workers import StartWorker, is_waiting_for_jobs
from tests.rq_mon.worker.counters import ends, running

RECORD = "tests.harness.jobs.record"


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is seen twice in the intermediate queue counts as stuck."""
    monkeypatch.setattr(supervised_queue, "STUCK_SECONDS", 0)


@pytest.fixture
def queue(redis_client: Redis) -> SupervisedQueue:
    return SupervisedQueue("mail", connection=redis_client)


class Hands:
    """A worker's next job, taken and later started."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.taken: Any = None

    def take(self) -> None:
        queues = [self.worker.queues[0]]
        self.taken = SupervisedQueue.dequeue_any(
            queues, None, self.worker.connection, job_class=self.worker.job_class
        )
        assert self.taken is not None

    def start(self) -> None:
        self.worker.execute_job(*self.taken)


@pytest.fixture
def frozen(start_worker: StartWorker) -> Hands:
    return Hands(start_worker("mail", kind=SupervisedWorker, name="frozen"))


@pytest.fixture
def other(start_worker: StartWorker) -> Hands:
    return Hands(start_worker("mail", kind=SupervisedWorker, name="other"))


def put_back(queue: SupervisedQueue, worker: SupervisedWorker) -> None:
    for _ in range(2):
        queue.intermediate_queue.cleanup(worker, queue)


def runs(redis: Redis) -> int:
    return int(redis.llen("trace"))  # type: ignore[arg-type]


def lists(queue: SupervisedQueue) -> list[Any]:
    """The jobs in the queue, in the intermediate queue, and in the started registry."""
    started = queue.started_job_registry.get_job_ids(cleanup=False)
    return [queue.job_ids, queue.intermediate_queue.get_job_ids(), started]


def nothing(_: Hands) -> None:
    pass


def take(other: Hands) -> None:
    other.take()


def run(other: Hands) -> None:
    other.take()
    other.start()


@pytest.mark.parametrize(("meanwhile", "afterwards"), [(nothing, run), (run, nothing)])
def test_a_job_that_was_put_back_runs_once(
    redis_client: Redis,
    queue: SupervisedQueue,
    frozen: Hands,
    other: Hands,
    meanwhile: Callable[[Hands], None],
    afterwards: Callable[[Hands], None],
) -> None:
    job = queue.enqueue(jobs.record, "ran")
    frozen.take()
    put_back(queue, other.worker)
    meanwhile(other)

    frozen.start()

    assert frozen.worker.get_state() == WorkerStatus.IDLE
    assert redis_client.hget(frozen.worker.key, "current_job") is None
    assert running(redis_client, "mail") == 0
    afterwards(other)
    assert job.get_status(refresh=True) == "finished"
    assert runs(redis_client) == 1
    assert ends(redis_client, "mail") == {(RECORD, "success"): 1}
    assert lists(queue) == [[], [], []]


def test_only_the_first_of_two_workers_that_took_a_job_runs_it(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands, other: Hands
) -> None:
    queue.enqueue(jobs.record, "ran")
    frozen.take()
    put_back(queue, other.worker)
    other.take()

    frozen.start()
    other.start()

    assert runs(redis_client) == 1
    assert ends(redis_client, "mail") == {(RECORD, "success"): 1}
    assert lists(queue) == [[], [], []]


def test_a_thawed_worker_does_not_run_a_job_that_another_is_running(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands, other: Hands
) -> None:
    job = queue.enqueue(jobs.record, "ran")
    frozen.take()
    put_back(queue, other.worker)
    other.take()
    other.worker.prepare_execution(other.taken[0])

    frozen.start()

    assert runs(redis_client) == 0
    assert lists(queue) == [[], [], [job.id]]
    assert running(redis_client, "mail") == 1


def test_a_thawed_worker_does_not_run_a_deleted_job(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands, other: Hands
) -> None:
    job = queue.enqueue(jobs.record, "ran")
    frozen.take()
    job.delete()
    put_back(queue, other.worker)

    frozen.start()

    assert runs(redis_client) == 0
    assert not redis_client.exists(job.key)
    assert lists(queue) == [[], [], []]


def test_a_thawed_worker_goes_on_with_the_next_job(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands, other: Hands
) -> None:
    first, second = queue.enqueue(jobs.record, "first"), queue.enqueue(jobs.record, "second")
    frozen.take()
    put_back(queue, other.worker)
    run(other)

    frozen.start()
    run(frozen)

    assert [job.get_status(refresh=True) for job in (first, second)] == ["finished", "finished"]
    assert redis_client.lrange("trace", 0, -1) == [b"first", b"second"]
    assert ends(redis_client, "mail") == {(RECORD, "success"): 2}


def test_no_list_is_searched_for_a_job_that_is_started_in_time(
    redis_client: Redis, queue: SupervisedQueue, other: Hands
) -> None:
    """The transaction of its start shows that it was in the intermediate queue."""
    queue.enqueue(jobs.record, "ran")
    redis_client.config_resetstat()

    run(other)

    commands: Any = redis_client.info("commandstats")
    assert runs(redis_client) == 1
    assert "cmdstat_lpos" not in commands


def test_a_taken_job_that_is_on_no_list_runs(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands
) -> None:
    """A power cut may have lost the list, or RQ popped the job from one of several queues."""
    queue.enqueue(jobs.record, "ran")
    frozen.take()
    redis_client.delete(queue.intermediate_queue_key)

    frozen.start()

    assert runs(redis_client) == 1
    assert ends(redis_client, "mail") == {(RECORD, "success"): 1}


@pytest.mark.parametrize("rights", [("-eval",), ("resetkeys", "~rq:[^m]*", "~trace")])
def test_a_job_that_was_put_back_runs_once_even_if_redis_refuses_to_count(
    redis_client: Redis, queue: SupervisedQueue, frozen: Hands, other: Hands, rights: tuple[str, ...]
) -> None:
    send: Any = redis_client.execute_command
    queue.enqueue(jobs.record, "first")
    queue.enqueue(jobs.record, "second")
    frozen.take()
    put_back(queue, other.worker)
    run(other)
    send("ACL", "SETUSER", "default", *rights)
    try:
        frozen.start()
        run(frozen)
    finally:
        send("ACL", "SETUSER", "default", "allkeys", "+eval")
    assert redis_client.lrange("trace", 0, -1) == [b"first", b"second"]
    assert lists(queue) == [[], [], []]


@pytest.mark.slow
def test_a_job_that_redis_gives_to_a_frozen_waiting_worker_runs_once(
    redis_client: Redis, queue: SupervisedQueue, other: Hands, start: Start
) -> None:
    process = start("-m", "scheduler.worker_process", "mail", **SOON)
    process.wait_for_log("Listening on")
    wait_until(lambda: is_waiting_for_jobs(redis_client), "it to wait for a job", within=90)
    family = [psutil.Process(process.pid), *process.children()]
    for each in family:
        each.send_signal(signal.SIGSTOP)
    job = queue.enqueue(jobs.record, "ran")
    assert lists(queue) == [[], [job.id], []]
    put_back(queue, other.worker)
    run(other)

    for each in family:
        each.send_signal(signal.SIGCONT)

    process.wait_for_log(f"did not start job={job.id}")
    next_job = queue.enqueue(jobs.record, "next")
    wait_until(lambda: is_finished(next_job), "the next job", within=90)
    assert redis_client.lrange("trace", 0, -1) == [b"ran", b"next"]
    assert ends(redis_client, "mail") == {(RECORD, "success"): 2}


def is_finished(job: Job) -> bool:
    return job.get_status(refresh=True) == "finished"

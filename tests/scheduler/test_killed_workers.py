"""Jobs that RQ's workers lose or run twice if killed at a bad moment, and the stack's workers do not."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest
from redis.client import Pipeline
from redis.exceptions import WatchError
from rq import Queue, Retry, Worker
from rq.exceptions import DequeueTimeout
from rq.executions import Execution
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, JobStatus
from rq.serializers import DefaultSerializer
from rq.utils import now

from rq_mon import MonitoredWorker
from rq_mon.worker.maintenance import end_abandoned_jobs
from scheduler import supervised_queue
from scheduler.supervised_queue import HandOver, SupervisedQueue
from scheduler.supervised_worker import SupervisedWorker
from tests.harness import jobs
from tests.harness.processes import Start
from tests.scheduler.unlucky_worker import OURS, RQS_OWN, WORK

QUEUES = ("urgent", "later")
RQ_3 = version("rq").startswith("3.")

DIES_WITH_A_JOB_IN_HAND = WORK.format(method="execute_job = die")
DIES_BEFORE_ITS_WORK_HORSE_BEGINS = WORK.format(
    method="""
    def prepare_job_execution(self, *args, **kwargs):
        os.kill(os.getppid(), signal.SIGKILL)
        die()
"""
)
HORSE_DIES_AFTER_THE_RECORD_OF_A_FAILURE = WORK.format(
    method="""
    def handle_job_failure(self, *args, **kwargs):
        super().handle_job_failure(*args, **kwargs)
        if self.is_horse:
            die()
"""
)


@pytest.fixture
def queue(redis_client: Any) -> SupervisedQueue:
    return SupervisedQueue("later", connection=redis_client)


@pytest.fixture
def worker(redis_client: Any) -> SupervisedWorker:
    return SupervisedWorker(["later"], connection=redis_client)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is seen twice in the intermediate queue counts as stuck."""
    monkeypatch.setattr(supervised_queue, "STUCK_SECONDS", 0)


def on_its_way(queue: Queue, **options: Any) -> Job:
    """Return a job in the intermediate queue, whose worker was killed before it could start it."""
    job = queue.enqueue(jobs.add, 1, 2, **options)
    queue.connection.lmove(queue.key, queue.intermediate_queue_key)
    return job


def clean(queue: Queue, worker: Worker, times: int = 1) -> None:
    for _ in range(times):
        queue.intermediate_queue.cleanup(worker, queue)


def give_up(queue: Queue) -> None:
    """Let the time be over in which the workers of this queue have to report."""
    key = queue.started_job_registry.key
    started: Any = queue.connection.zrange(key, 0, -1)
    queue.connection.zadd(key, dict.fromkeys(started, time.time() - 1))


def on_the_list(queue: Queue) -> list[str]:
    return queue.intermediate_queue.get_job_ids()


# --- taken from the queue, and not started -----------------------------------------------------------------


@pytest.mark.slow
def test_rqs_worker_of_several_queues_loses_its_job_when_it_is_killed(
    redis_client: Any, start: Start
) -> None:
    job = Queue("later", connection=redis_client).enqueue(jobs.add, 1, 2)

    start("-c", DIES_WITH_A_JOB_IN_HAND, RQS_OWN, ",".join(QUEUES)).wait()

    assert job.get_status() == "queued"
    assert list(redis_client.scan_iter("rq:queue:*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("served", [QUEUES, ("later",)], ids=["several queues", "one queue"])
def test_the_stacks_worker_loses_no_job_when_it_is_killed(
    queue: SupervisedQueue, worker: SupervisedWorker, start: Start, no_patience: None, served: tuple[str, ...]
) -> None:
    job = queue.enqueue(jobs.add, 1, 2)

    start("-c", DIES_WITH_A_JOB_IN_HAND, OURS, ",".join(served)).wait()
    assert on_the_list(queue) == [job.id]
    clean(queue, worker, times=2)

    assert queue.job_ids == [job.id]
    assert on_the_list(queue) == []


def test_a_stuck_job_that_never_started_is_put_back_into_the_queue(
    queue: SupervisedQueue, worker: SupervisedWorker, no_patience: None
) -> None:
    job = on_its_way(queue)
    waiting = queue.enqueue(jobs.add, 3, 4)

    clean(queue, worker, times=2)

    assert queue.job_ids == [job.id, waiting.id]
    assert job.get_status() == "queued"


def test_a_job_is_not_put_back_before_its_worker_had_time_to_start_it(
    queue: SupervisedQueue, worker: SupervisedWorker
) -> None:
    job = on_its_way(queue)

    clean(queue, worker, times=3)

    assert on_the_list(queue) == [job.id]
    assert queue.job_ids == []


def test_a_job_that_was_enqueued_again_meanwhile_is_not_stuck(
    queue: SupervisedQueue, worker: SupervisedWorker, no_patience: None
) -> None:
    job = on_its_way(queue)
    clean(queue, worker)
    queue.intermediate_queue.remove(job.id)
    queue.enqueue_job(job)
    queue.connection.lmove(queue.key, queue.intermediate_queue_key)

    clean(queue, worker)

    assert on_the_list(queue) == [job.id]


def test_a_started_job_in_the_intermediate_queue_is_not_put_back(
    queue: SupervisedQueue, worker: SupervisedWorker, no_patience: None
) -> None:
    job = on_its_way(queue)
    with queue.connection.pipeline() as pipeline:
        Execution.create(job, 60, pipeline)
        pipeline.execute()

    clean(queue, worker, times=2)

    assert on_the_list(queue) == [job.id]
    assert queue.job_ids == []


def test_a_deleted_job_is_removed_from_the_intermediate_queue(
    queue: SupervisedQueue, worker: SupervisedWorker
) -> None:
    on_its_way(queue).delete()

    clean(queue, worker)

    assert on_the_list(queue) == []


# --- started, and killed before it was taken off the list --------------------------------------------------


CLEANERS = pytest.mark.parametrize(
    ("kind", "cleaner"),
    [(IntermediateQueue, Worker), (IntermediateQueue, MonitoredWorker), (HandOver, SupervisedWorker)],
)


@CLEANERS
def test_a_job_that_finished_meanwhile_is_not_run_again(
    queue: SupervisedQueue, kind: type[IntermediateQueue], cleaner: type[Worker]
) -> None:
    """RQ runs it again; we do not."""
    job = on_its_way(queue, retry=Retry(1))
    job.set_status(JobStatus.FINISHED)
    handed_over = kind(queue.key, queue.connection)
    queue.connection.set(handed_over.get_first_seen_key(job.id), time.time() - 61)

    handed_over.cleanup(cleaner(["later"], connection=queue.connection), queue)

    assert (job.get_status(), queue.job_ids) == (
        ("queued", [job.id]) if cleaner is Worker else ("finished", [])
    )
    assert on_the_list(queue) == []


@CLEANERS
def test_a_job_that_waits_for_its_retry_is_not_failed(
    queue: SupervisedQueue, kind: type[IntermediateQueue], cleaner: type[Worker]
) -> None:
    """RQ fails it, yet it runs; we leave it alone."""
    job = on_its_way(queue)
    queue.enqueue_job(job)
    handed_over = kind(queue.key, queue.connection)
    queue.connection.set(handed_over.get_first_seen_key(job.id), time.time() - 61)

    handed_over.cleanup(cleaner(["later"], connection=queue.connection), queue)

    assert queue.job_ids == [job.id]
    assert job.get_status() == ("failed" if cleaner is Worker else "queued")
    assert on_the_list(queue) == []


@pytest.mark.slow
@pytest.mark.parametrize(("retry", "waits"), [(Retry(2), True), (None, False)])
def test_a_job_is_retried_or_failed_if_the_machine_fails_before_its_work_horse_begins(
    queue: SupervisedQueue, start: Start, retry: Retry | None, waits: bool
) -> None:
    """RQ 3 drops such an entry; without the intermediate queue the job would be lost."""
    job = queue.enqueue(jobs.add, 1, 2, retry=retry)
    start("-c", DIES_BEFORE_ITS_WORK_HORSE_BEGINS, OURS, "later").wait()
    assert (job.get_status(), queue.job_ids, on_the_list(queue)) == ("queued", [], [])

    give_up(queue)
    end_abandoned_jobs(queue, [])

    assert job.get_status() == ("queued" if waits else "failed")
    assert queue.job_ids == [job.id] * waits
    assert queue.failed_job_registry.get_job_ids() == [job.id] * (not waits)


@pytest.mark.skipif(not RQ_3, reason="RQ 2 tries again what has moved on")
@pytest.mark.parametrize("place", ["queue", "intermediate queue", "scheduled"])
def test_an_old_execution_does_not_change_a_job_that_is_queued_or_scheduled_again(
    queue: SupervisedQueue, place: str
) -> None:
    job = queue.enqueue(jobs.add, 1, 2, retry=Retry(2))
    if place == "intermediate queue":
        queue.connection.lmove(queue.key, queue.intermediate_queue_key)
    elif place == "scheduled":
        queue.connection.delete(queue.key)
        queue.schedule_job(job, now() + timedelta(minutes=1))
    status = job.get_status()
    queue.connection.zadd(queue.started_job_registry.key, {f"{job.id}:an-earlier-one": time.time() - 1})

    end_abandoned_jobs(queue, [])

    assert job.get_status() == status
    assert len(queue.job_ids) == (place == "queue")
    assert queue.started_job_registry.count == 0


# --- ended, and the work horse was killed right after that -------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "times"), [(RQS_OWN, 2), (OURS, 1)])
def test_a_job_is_enqueued_once_if_its_work_horse_dies_after_recording_a_retry(
    queue: SupervisedQueue, start: Start, kind: str, times: int
) -> None:
    """RQ's worker enqueues the job again; ours sees the recorded retry."""
    job = queue.enqueue(jobs.fail, retry=Retry(5))

    start("-c", HORSE_DIES_AFTER_THE_RECORD_OF_A_FAILURE, kind, "later").wait()

    assert queue.job_ids == [job.id] * times


@pytest.mark.parametrize(("at_work", "expected"), [("ours", "failed"), ("another", "started")])
def test_a_job_whose_start_redis_lost_fails_with_its_work_horse_unless_another_worker_has_it(
    queue: SupervisedQueue,
    worker: SupervisedWorker,
    at_work: str,
    expected: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As after a power cut: the job is failed, unless another worker has it by now."""
    job = queue.enqueue(jobs.add, 1, 2)
    queue.connection.delete(queue.key)
    with queue.connection.pipeline() as pipeline:
        worker.execution = Execution.create(job, 60, pipeline)
        job.prepare_for_execution(worker.name if at_work == "ours" else at_work, pipeline)
        pipeline.execute()
    queue.connection.delete(queue.started_job_registry.key)

    logging.getLogger("rq.worker").propagate = True
    worker.handle_job_failure(job, queue, exc_string="killed")

    assert job.get_status() == expected
    ended = f"Worker {worker.name}: job {job.id} had ended before its work horse died"
    assert (ended in caplog.messages) == (at_work == "another")


def test_a_retry_that_redis_refuses_once_is_recorded_after_all(
    redis_client: Any, queue: SupervisedQueue
) -> None:
    """RQ only logs the error if it cannot record a retry."""

    class RefusedOnce(SupervisedWorker):
        def _is_recorded(self, *args: Any) -> bool:
            is_recorded = super()._is_recorded(*args)
            redis_client.execute_command("ACL", "SETUSER", "default", "+rpush")
            return is_recorded

    worker = RefusedOnce(["later"], connection=redis_client)
    job = queue.enqueue(jobs.add, 1, 2, retry=Retry(3))
    queue.connection.delete(queue.key)
    with queue.connection.pipeline() as pipeline:
        worker.execution = execution = Execution.create(job, 60, pipeline)
        job.prepare_for_execution(worker.name, pipeline)
        pipeline.execute()
    redis_client.execute_command("ACL", "SETUSER", "default", "-rpush")
    try:
        forwarded: Any = {"execution": execution} if RQ_3 else {}
        worker.handle_job_failure(job, queue, exc_string="no such order", **forwarded)
    finally:
        redis_client.execute_command("ACL", "SETUSER", "default", "+rpush")

    job.refresh()  # type: ignore[no-untyped-call]
    assert (job.get_status(), job.retries_left) == ("queued", 2)
    assert queue.job_ids == [job.id]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []


@pytest.mark.parametrize(("kind", "still_listed"), [(Worker, int(not RQ_3)), (SupervisedWorker, 0)])
def test_a_success_is_recorded_completely_after_its_connection_broke(
    queue: SupervisedQueue, monkeypatch: pytest.MonkeyPatch, kind: type[Worker], still_listed: int
) -> None:
    """RQ 2 records the success again but not the end of the execution, so the job runs again as abandoned."""
    job = on_its_way(queue)
    worker: Any = kind(["later"], connection=queue.connection)
    execution = worker.prepare_execution(job)
    job.started_at = job.ended_at = now()
    execute, failures = Pipeline.execute, [WatchError("A ConnectionError occurred while watching")]

    def fail_at_first(pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        if failures:
            pipeline.reset()
            raise failures.pop()
        return execute(pipeline, *args, **kwargs)

    monkeypatch.setattr(Pipeline, "execute", fail_at_first)
    ended = (execution,) if RQ_3 else ()
    worker.handle_job_success(job, queue, queue.started_job_registry, *ended)

    assert job.get_status() == "finished"
    assert queue.connection.zcard(queue.started_job_registry.key) == still_listed


# --- several queues ----------------------------------------------------------------------------------------


def take(queues: list[Queue], timeout: int | None) -> Any:
    return SupervisedQueue.dequeue_any(queues, timeout, queues[0].connection, serializer=DefaultSerializer)


def test_jobs_are_taken_in_the_order_of_the_queues(redis_client: Any) -> None:
    urgent, later = (SupervisedQueue(name, connection=redis_client) for name in QUEUES)
    second, first = later.enqueue(jobs.add, 1, 2), urgent.enqueue(jobs.add, 1, 2)

    taken = [take([urgent, later], timeout) for timeout in (None, 5, None)]

    assert [each and (each[0].id, each[1].name) for each in taken] == [
        (first.id, "urgent"),
        (second.id, "later"),
        None,
    ]
    assert (on_the_list(urgent), on_the_list(later)) == ([first.id], [second.id])


def test_a_worker_waits_for_several_queues_until_its_timeout(redis_client: Any) -> None:
    queues: list[Queue] = [SupervisedQueue(name, connection=redis_client) for name in QUEUES]
    before = time.monotonic()

    with pytest.raises(DequeueTimeout):
        take(queues, 2)

    assert time.monotonic() - before >= 2


def test_a_worker_of_several_queues_leaves_nothing_in_intermediate_queues(redis_client: Any) -> None:
    queues = [SupervisedQueue(name, connection=redis_client) for name in QUEUES]
    done = [queue.enqueue(jobs.add, 1, 2) for queue in queues]

    SupervisedWorker(queues, connection=redis_client).work(burst=True)

    assert [job.get_status() for job in done] == ["finished", "finished"]
    assert [on_the_list(queue) for queue in queues] == [[], []]

"""A delay is written together with what it belongs to, or not at all. RQ 2 runs such jobs twice or never."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest
from redis.client import Pipeline
from rq import Queue, Repeat, Retry
from rq.job import Job
from rq.scheduler import RQScheduler

from rq_mon.worker.maintenance import end_abandoned_jobs
from scheduler.child_scheduler import ChildScheduler, DueJobs
from scheduler.supervised_queue import SupervisedQueue
from tests.harness import jobs
from tests.harness.processes import Start
from tests.scheduler.unlucky_worker import OURS, RQS_OWN, WORK

RQ_3 = version("rq").startswith("3.")
HORSE_AND_WORKER_DIE_BEFORE_THE_RECORD_OF_AN_END = WORK.format(
    method="""
    def cleanup_execution(self, job, pipeline, *args, **kwargs):
        super().cleanup_execution(job, pipeline, *args, **kwargs)
        execute = pipeline.execute
        def execute_unless_it_ends(*args, **kwargs):
            if any(part[0][0] == "ZREM" for part in pipeline.command_stack):
                os.kill(os.getppid(), signal.SIGKILL)
                die()
            return execute(*args, **kwargs)
        pipeline.execute = execute_unless_it_ends
"""
)


@pytest.fixture
def queue(redis_client: Any) -> SupervisedQueue:
    return SupervisedQueue("later", connection=redis_client)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "options"),
    [
        (jobs.fail, {"retry": Retry(2, interval=60)}),
        (jobs.ask_for_a_retry, {}),
        (jobs.add, {"args": (1, 2), "repeat": Repeat(2, interval=60)}),
    ],
    ids=["failed", "asked for a retry", "to be repeated"],
)
@pytest.mark.parametrize(("kind", "delayed"), [(RQS_OWN, not RQ_3), (OURS, 0)])
def test_no_delay_is_written_if_the_machine_fails_before_the_end_is_recorded(
    queue: SupervisedQueue, start: Start, kind: str, delayed: int, function: Any, options: dict[str, Any]
) -> None:
    """RQ 2 has written the delay by then: the job runs after it, and once more as an abandoned one."""
    job = queue.enqueue(function, **options)

    start("-c", HORSE_AND_WORKER_DIE_BEFORE_THE_RECORD_OF_AN_END, kind, "later").wait()

    assert queue.scheduled_job_registry.get_job_ids() == [job.id] * delayed
    assert queue.started_job_registry.get_job_ids() == [job.id]


class Killed(BaseException):
    """Ends a process that is in the middle of something."""


@pytest.mark.parametrize(("queue_class", "delayed"), [(Queue, not RQ_3), (SupervisedQueue, 0)])
def test_no_delay_is_written_if_the_machine_fails_during_maintenance(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, queue_class: type[Queue], delayed: int
) -> None:
    """RQ 2 has written the delay of an abandoned job by then, and the next maintenance does so again."""
    queue = queue_class("later", connection=redis_client)
    job = queue.enqueue(jobs.add, 1, 2, retry=Retry(2, interval=60))
    redis_client.zadd(queue.started_job_registry.key, {f"{job.id}:lost": time.time() - 1})
    execute = Pipeline.execute

    def execute_unless_it_ends(pipeline: Pipeline, *args: Any, **kwargs: Any) -> Any:
        if any(part[0][0] == "ZREMRANGEBYSCORE" for part in pipeline.command_stack):
            raise Killed
        return execute(pipeline, *args, **kwargs)

    monkeypatch.setattr(Pipeline, "execute", execute_unless_it_ends)
    with pytest.raises(Killed):
        end_abandoned_jobs(queue, [])

    assert queue.scheduled_job_registry.get_job_ids() == [job.id] * delayed
    assert redis_client.zcard(queue.started_job_registry.key) == 1


@pytest.mark.parametrize(("scheduler_class", "kept"), [(RQScheduler, False), (ChildScheduler, True)])
def test_a_delayed_job_whose_id_is_listed_before_it_is_saved_is_not_lost(
    queue: SupervisedQueue, scheduler_class: type[RQScheduler], kept: bool
) -> None:
    """RQ's scheduler drops the id, and the job never runs; ours waits for the job."""
    late, other = (queue.enqueue_in(timedelta(seconds=-5), jobs.add, n, 2) for n in (1, 3))
    written: Any = queue.connection.dump(late.key)
    queue.connection.delete(late.key)
    scheduler = scheduler_class([queue], connection=queue.connection)
    scheduler.acquire_locks()  # type: ignore[no-untyped-call]

    scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
    queue.connection.restore(late.key, 0, written)
    scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]

    assert queue.job_ids == [other.id, late.id][: 2 if kept else 1]
    assert queue.scheduled_job_registry.get_job_ids() == []


@pytest.mark.parametrize(
    ("hangs", "successor"), [("has read", "bob"), ("writes", "bob"), ("writes", "ann")], ids=str
)
@pytest.mark.parametrize(("scheduler_class", "times"), [(RQScheduler, 2), (ChildScheduler, 1)])
def test_a_scheduler_that_hung_while_another_took_over_enqueues_no_job_twice(
    queue: SupervisedQueue,
    monkeypatch: pytest.MonkeyPatch,
    scheduler_class: Any,
    times: int,
    hangs: str,
    successor: str,
) -> None:
    """RQ's scheduler continues, or Redis runs what it had sent, and the job is enqueued again.

    A scheduler that its worker has restarted has the same name.
    """
    job = queue.enqueue_in(timedelta(seconds=-5), jobs.add, 1, 2)
    hanging = scheduler_class([queue], connection=queue.connection, name="ann")
    hanging.acquire_locks()
    place, name = (Job, "fetch_many") if hangs == "has read" else (Pipeline, "execute")
    original = getattr(place, name)

    def hang(*args: Any, **kwargs: Any) -> Any:
        is_read = name == "execute" and not any(part[0][0] == "ZREM" for part in args[0].command_stack)
        if is_read:
            return original(*args, **kwargs)
        monkeypatch.undo()
        read = original(*args, **kwargs) if name == "fetch_many" else None
        if successor != "ann":
            queue.connection.delete(hanging.get_locking_key("later"))
        other = scheduler_class([queue], connection=queue.connection, name=successor)
        assert other.acquire_locks() == {"later"}
        other.enqueue_scheduled_jobs()
        return read if name == "fetch_many" else original(*args, **kwargs)

    monkeypatch.setattr(place, name, hang)
    hanging.enqueue_scheduled_jobs()

    assert queue.job_ids == [job.id] * times
    assert queue.scheduled_job_registry.count == 0


def test_ids_without_jobs_do_not_delay_other_jobs(queue: SupervisedQueue) -> None:
    queue.connection.zadd(queue.scheduled_job_registry.key, {f"gone-{n}": n + 1 for n in range(2100)})
    queue.connection.zadd(queue.scheduled_job_registry.key, {b"\xff": 1})
    due = [queue.enqueue_in(timedelta(seconds=-5), jobs.add, n, 2) for n in range(3)]
    queue.enqueue_in(timedelta(minutes=5), jobs.add, 1, 2)
    registry = DueJobs("later", connection=queue.connection)  # type: ignore[no-untyped-call]

    assert registry.get_jobs_to_schedule(chunk_size=2) == sorted(job.id for job in due)[:2]
    assert registry.get_jobs_to_schedule() == sorted(job.id for job in due)

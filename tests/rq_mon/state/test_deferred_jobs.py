"""Deferred jobs that will never run are distinguished from those that only wait for a dependency."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Dependency, Job

from rq_mon.state.deferred_jobs import DEPENDENCIES_PER_JOB, IDS_IN_ALL, IDS_PER_QUEUE
from rq_mon.state.errors import Errors
from tests.rq_mon.state import jobs
from tests.rq_mon.state.conftest import ReadQueues


@pytest.fixture
def work(redis_client: Redis) -> Callable[[], None]:
    """Run the waiting jobs with a worker of RQ."""

    def run() -> None:
        SimpleWorker(["mail"], connection=redis_client).work(burst=True, logging_level="CRITICAL")

    return run


def _deferred(read: ReadQueues, name: str = "mail") -> tuple[int | None, int | None]:
    """The number of deferred jobs, and of stuck ones among them."""
    queue = read()[name]
    return queue.jobs["deferred"], queue.stuck_deferred


def test_jobs_that_wait_their_turn_are_not_stuck(read: ReadQueues, queue: Queue) -> None:
    first = queue.enqueue(jobs.succeed)
    second = queue.enqueue(jobs.succeed, depends_on=first)
    queue.enqueue(jobs.succeed, depends_on=second)
    queue.enqueue(jobs.succeed, depends_on=[first, second])

    assert _deferred(read) == (3, 0)


def test_dependencies_are_read_from_the_job_if_their_set_is_gone(read: ReadQueues, queue: Queue) -> None:
    first = queue.enqueue(jobs.succeed)
    for _ in range(2):
        waiting = queue.enqueue(jobs.succeed, depends_on=first)
        queue.connection.delete(waiting.dependencies_key)

    assert _deferred(read) == (2, 0)


def test_jobs_whose_dependency_failed_are_stuck(
    read: ReadQueues, queue: Queue, work: Callable[[], None]
) -> None:
    failing = queue.enqueue(jobs.fail)
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=failing)
    work()
    queue.enqueue(jobs.succeed, depends_on=queue.enqueue(jobs.succeed))

    assert _deferred(read) == (3, 2)


def test_a_dependency_that_will_be_retried_does_not_make_a_job_stuck(
    read: ReadQueues, queue: Queue, work: Callable[[], None]
) -> None:
    from rq import Retry

    failing = queue.enqueue(jobs.fail, retry=Retry(max=1, interval=3600))
    queue.enqueue(jobs.succeed, depends_on=failing)
    work()

    assert _deferred(read) == (1, 0)


def test_a_job_that_allows_failures_is_not_stuck_after_one(
    read: ReadQueues, queue: Queue, work: Callable[[], None]
) -> None:
    failing, other = (
        queue.enqueue(jobs.fail),
        Queue("other", connection=queue.connection).enqueue(jobs.succeed),
    )
    queue.enqueue(jobs.succeed, depends_on=Dependency(jobs=[failing, other], allow_failure=True))
    queue.enqueue(jobs.succeed, depends_on=Dependency(jobs=[failing, other]))
    work()

    assert _deferred(read) == (2, 1)


@pytest.mark.parametrize("end", [Job.cancel, Job.delete], ids=["cancelled", "deleted"])
def test_jobs_whose_dependency_was_cancelled_or_deleted_are_stuck(
    read: ReadQueues, queue: Queue, end: Callable[[Job], None]
) -> None:
    first, other = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=first)
    queue.enqueue(jobs.succeed, depends_on=other)
    end(first)

    assert _deferred(read) == (3, 2)


def test_jobs_whose_dependency_was_stopped_are_stuck(
    read: ReadQueues, queue: Queue, redis_client: Redis
) -> None:
    first = queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed, depends_on=first)
    redis_client.hset(first.key, "status", "stopped")

    assert _deferred(read) == (1, 1)


def test_an_expired_dependency_makes_a_job_stuck_only_if_no_other_is_left(
    read: ReadQueues, queue: Queue, redis_client: Redis
) -> None:
    """RQ treats a missing dependency as met, and checks when another one ends."""
    expired, waiting = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed, depends_on=[expired, waiting])
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=expired)
    redis_client.delete(expired.key)

    assert _deferred(read) == (3, 2)


def test_jobs_that_depend_on_a_stuck_job_are_stuck_in_any_queue(
    read: ReadQueues, queue: Queue, redis_client: Redis, work: Callable[[], None]
) -> None:
    failing = queue.enqueue(jobs.fail)
    second = queue.enqueue(jobs.succeed, depends_on=failing)
    third = Queue("reports", connection=redis_client).enqueue(jobs.succeed, depends_on=second)
    queue.enqueue(jobs.succeed, depends_on=third)
    work()

    assert _deferred(read) == (2, 2)
    assert _deferred(read, "reports") == (1, 1)


def test_a_deleted_deferred_job_is_not_stuck(
    read: ReadQueues, queue: Queue, redis_client: Redis, work: Callable[[], None]
) -> None:
    failing = queue.enqueue(jobs.fail)
    gone, _, _ = (queue.enqueue(jobs.succeed, depends_on=failing) for _ in range(3))
    redis_client.delete(gone.key)
    work()

    assert _deferred(read) == (3, 2)


def test_one_failed_dependency_of_many_makes_a_job_stuck(
    read: ReadQueues, queue: Queue, redis_client: Redis, errors: Errors
) -> None:
    """If none of the checked ones gives a reason, the job does not count as stuck."""
    many = [queue.enqueue(jobs.succeed) for _ in range(40 * DEPENDENCIES_PER_JOB)]
    queue.enqueue(jobs.succeed, depends_on=many)
    for each in many[:-1]:
        redis_client.hset(each.key, "status", "finished")
    assert _deferred(read) == (1, 0)

    for each in many:
        redis_client.hset(each.key, "status", "failed")
    assert _deferred(read) == (1, 1)
    assert errors.counts()["queues"] == 0


def test_broken_keys_are_counted_and_hide_nothing_else(
    read: ReadQueues, queue: Queue, redis_client: Redis, errors: Errors, work: Callable[[], None]
) -> None:
    failing = queue.enqueue(jobs.fail)
    broken, _, _ = (queue.enqueue(jobs.succeed, depends_on=failing) for _ in range(3))
    work()
    redis_client.delete(broken.key)
    redis_client.set(broken.key, "a string")
    redis_client.sadd("rq:queues", "rq:queue:other")
    redis_client.set("rq:deferred:other", "a string")

    assert _deferred(read) == (3, 2)
    assert _deferred(read, "other") == (None, None)


def test_the_number_of_examined_deferred_jobs_is_limited(read: ReadQueues, redis_client: Redis) -> None:
    number = 2 * IDS_IN_ALL // IDS_PER_QUEUE
    with redis_client.pipeline(transaction=False) as pipe:
        for name in range(number):
            pipe.sadd("rq:queues", f"rq:queue:{name}")
            for each in range(IDS_PER_QUEUE):
                pipe.zadd(f"rq:deferred:{name}", {f"{name}-{each}": each})
                pipe.hset(f"rq:job:{name}-{each}", mapping={"status": "deferred", "dependency_id": "gone"})
        pipe.execute()
    redis_client.config_resetstat()

    assert {queue.stuck_deferred for queue in read().values()} == {IDS_PER_QUEUE // 2}
    assert redis_client.info("commandstats")["cmdstat_sscan"]["calls"] == IDS_IN_ALL  # type: ignore[index]

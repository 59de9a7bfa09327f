"""Jobs whose ttl ended before a worker came are counted; cancelled and deleted ones are not."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.waiting import wait_until
from rq_mon.catalogue import MONITORED_QUEUES_KEY, WRITE_ERRORS_KEY
from rq_mon.series import decode_expired, waits_key
from rq_mon.worker.expired import noticing_expired
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import waits
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow


def expired(client: Redis, queue: str = "mail") -> int:
    fields: Any = client.hgetall(waits_key(queue))
    return decode_expired(fields)


def expire(*expiring: Job) -> None:
    """Delete the hash and leave the id in the queue, as Redis does when a ttl ends."""
    for job in expiring:
        job.connection.delete(job.key)


def test_a_job_whose_ttl_ends_before_a_worker_comes_is_counted(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    with_ttl = [queue.enqueue(jobs.succeed, ttl=1) for _ in range(2)]
    rest = [queue.enqueue(jobs.succeed) for _ in range(3)]
    wait_until(lambda: not redis_client.exists(*(job.key for job in with_ttl)), "the ttl to end")

    rq.work("mail", worker_class=worker_class)

    assert expired(redis_client) == 2
    assert waits(redis_client, "mail").count == 3
    assert {job.get_status() for job in rest} == {JobStatus.FINISHED}


@pytest.mark.parametrize("queues", [("mail", "reports"), ("reports", "mail")])
def test_a_worker_with_several_queues_counts_expired_jobs_by_queue(
    rq: RQ, queue: Queue, redis_client: Redis, queues: tuple[str, str]
) -> None:
    reports = Queue("reports", connection=redis_client)
    expire(*(queue.enqueue(jobs.succeed) for _ in range(2)), reports.enqueue(jobs.succeed))
    last = queue.enqueue(jobs.succeed)
    expire(reports.enqueue(jobs.succeed), reports.enqueue(jobs.succeed))

    rq.work(*queues)

    assert (expired(redis_client), expired(redis_client, "reports")) == (2, 3)
    assert last.get_status() == JobStatus.FINISHED
    assert redis_client.smembers(MONITORED_QUEUES_KEY) == {b"mail", b"reports"}


def test_expired_jobs_are_counted_before_the_worker_waits_for_jobs(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    with rq.start_worker("mail", worker_class=worker_class):
        before = queue.enqueue(jobs.succeed)
        wait_until(lambda: before.get_status() == JobStatus.FINISHED, "the worker to work")
        redis_client.rpush(queue.key, "expired-1", "expired-2")
        wait_until(lambda: expired(redis_client) == 2, "both to be counted")


def test_deleted_cancelled_and_requeued_jobs_do_not_count_as_expired(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    expire(queue.enqueue(jobs.succeed))
    queue.enqueue(jobs.succeed).delete()
    queue.enqueue(jobs.succeed).cancel()
    queue.enqueue(jobs.succeed, result_ttl=0)
    failed = queue.enqueue(jobs.fail)

    rq.work("mail")
    failed.requeue()
    rq.work("mail")

    assert expired(redis_client) == 1


def test_a_job_that_cannot_be_read_does_not_count_as_expired(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    broken = queue.enqueue(jobs.succeed)
    redis_client.hset(broken.key, "created_at", "yesterday")
    expire(queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed))

    for _ in range(3):  # RQ's worker exits when it finds one
        rq.work("mail")

    assert expired(redis_client) == 2


def test_expired_jobs_that_cannot_be_counted_cause_one_warning(
    redis_client: Redis, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    worker = MonitoredSimpleWorker([queue], connection=redis_client)
    expire(*(queue.enqueue(jobs.succeed) for _ in range(3)))
    redis_client.set(waits_key("mail"), "a string")

    worker.work(burst=True, logging_level="WARNING")

    uncounted: Any = redis_client.hgetall(WRITE_ERRORS_KEY)
    assert uncounted == {b"WRONGTYPE": b"3"}
    assert (
        sum("1 job(s) of mail expired, and could not be counted" in message for message in caplog.messages)
        == 1
    )

    redis_client.delete(waits_key("mail"))
    expire(queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed))
    worker.work(burst=True, logging_level="WARNING")
    assert expired(redis_client) == 2


def test_expired_jobs_without_the_right_to_run_scripts_cause_one_warning_with_the_reason(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    send: Any = redis_client.execute_command
    worker = start_worker("mail")
    logging.getLogger("rq.worker").propagate = True
    expire(*(queue.enqueue(jobs.succeed) for _ in range(3)))
    send("ACL", "SETUSER", "default", "-eval")
    try:
        assert worker.queue_class.dequeue_any(worker.queues, None, redis_client) is None
    finally:
        send("ACL", "SETUSER", "default", "+eval")

    (warning,) = [message for message in caplog.messages if "could not be counted" in message]
    begin = f"Worker {worker.name}: 1 job(s) of mail expired, and could not be counted: "
    assert warning.startswith(begin)
    assert "eval" in warning.removeprefix(begin)


def test_expired_deferred_and_scheduled_jobs_are_counted_once_and_leave_their_registries(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    never = queue.enqueue(jobs.succeed)
    deferred = [queue.enqueue(jobs.succeed, depends_on=never, ttl=1) for _ in range(2)]
    kept = queue.enqueue(jobs.succeed, depends_on=never)
    later = queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    expire(queue.enqueue_in(timedelta(hours=1), jobs.succeed))
    wait_until(lambda: not redis_client.exists(*(job.key for job in deferred)), "their ttl to end")
    first, second = start_worker("mail"), start_worker("mail")

    for worker in (first, second, second, first, first):
        worker.clean_registries()

    assert expired(redis_client) == 3
    assert queue.deferred_job_registry.get_job_ids() == [kept.id]
    assert queue.scheduled_job_registry.get_job_ids() == [later.id]


def test_an_id_listed_before_its_job_is_saved_does_not_count_as_expired(
    redis_client: Redis, queue: Queue, start_worker: StartWorker
) -> None:
    late = queue.enqueue_in(timedelta(hours=1), jobs.succeed)
    job_data: Any = redis_client.dump(late.key)
    redis_client.delete(late.key)
    worker = start_worker("mail")

    worker.clean_registries()
    redis_client.restore(late.key, 0, job_data)
    worker.clean_registries()
    worker.clean_registries()

    assert expired(redis_client) == 0
    assert queue.scheduled_job_registry.get_job_ids() == [late.id]


def test_maintenance_goes_on_if_a_registry_cannot_be_read(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.set(queue.deferred_job_registry.key, "a string")

    start_worker("mail").clean_registries()

    assert any("cannot look for expired jobs of mail" in message for message in caplog.messages)


class OwnQueue(Queue):
    """An application's own queue class."""


def test_an_applications_queue_class_is_kept(redis_client: Redis) -> None:
    seen: list[str] = []
    noticing = noticing_expired(OwnQueue, seen.append)
    assert noticing_expired(noticing, seen.append) is noticing
    expire(OwnQueue("mail", connection=redis_client).enqueue(jobs.succeed))
    OwnQueue("mail", connection=redis_client).enqueue(jobs.succeed)

    queues = [noticing("mail", connection=redis_client)]
    taken: Any = noticing.dequeue_any(queues, None, connection=redis_client)

    assert isinstance(taken[1], OwnQueue)
    assert type(taken[1]).__name__ == "OwnQueue"
    assert seen == ["mail"]
    assert noticing.dequeue_any(queues, None, connection=redis_client) is None
    assert seen == ["mail"]

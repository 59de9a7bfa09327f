"""A worker that loses a right while it runs loses metrics, never a job."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis
from redis import Redis
from rq import Queue, Retry
from rq.job import Job

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import MONITORED_WORKER_FIELD
from rq_mon.connection.client import connect
from rq_mon.series import running_key, search_lock_key
from rq_mon.worker.abandoned import count_abandoned
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from rq_mon.worker.recorder import JobRecorder
from rq_mon.worker.refusals import GuardedTransaction, Refusals
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, failures, running, write_errors
from tests.rq_mon.worker.processes import RQ

ALL = ("on", ">secret", "~*", "&*", "+@all")
LOSSES = {
    "no scripts": ("-eval",),
    "none of our keys": ("resetkeys", "~rq:[^m]*", "~runs:*", "~release", "~pid"),
}
LOST = pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
KINDS = pytest.mark.parametrize("kind", [MonitoredWorker, MonitoredSimpleWorker])


class User:
    """A Redis user whose rights are revoked and restored."""

    def __init__(self, admin: Redis, server: RedisServer) -> None:
        self.admin = admin
        self.url = server.url.replace("redis://", "redis://limited:secret@")
        self.allow()
        self.client = connect(self.url)

    def allow(self, *rights: str) -> None:
        self.admin.execute_command("ACL", "SETUSER", "limited", "reset", *ALL, *rights)  # type: ignore[no-untyped-call]


@pytest.fixture
def user(redis_client: Redis, redis_server: RedisServer) -> Iterator[User]:
    user = User(redis_client, redis_server)
    yield user
    user.client.close()
    redis_client.acl_deluser("limited")


def work(worker: Any, queue: Queue, *awaited: Job) -> None:
    """Run the jobs in turn, as the worker's loop does."""
    for job in awaited:
        redis_queue = Queue(queue.name, connection=worker.connection)
        taken = worker.queue_class.dequeue_any([redis_queue], None, worker.connection)
        assert taken is not None
        assert taken[0].id == job.id
        worker.execute_job(*taken)
        worker.heartbeat()


@LOST
@KINDS
def test_jobs_run_uncounted_without_the_right_and_count_again_once_it_is_back(
    user: User,
    queue: Queue,
    start_worker: StartWorker,
    kind: Any,
    lost: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = start_worker("mail", kind=kind, connection=user.client)
    log = logging.getLogger("rq.worker")
    log.propagate = True
    before = queue.enqueue(jobs.succeed)
    work(worker, queue, before)

    user.allow(*lost)
    done, failed = queue.enqueue(jobs.succeed), queue.enqueue(jobs.fail)
    retried = queue.enqueue(jobs.ask_for_retry_once)
    work(worker, queue, done, failed, retried, retried)

    assert [job.get_status() for job in (done, failed, retried)] == ["finished", "failed", "finished"]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert ends(user.admin, "mail") == {("succeed", "success"): 1}
    assert "ValueError: no" in str(failed.latest_result().exc_string)  # type: ignore[union-attr]
    (warning,) = [record.message for record in caplog.records if "not counted" in record.message]
    assert warning.startswith(f"Worker {worker.name}: jobs run, but are not counted for now: ")
    assert "permissions" in warning
    assert len(warning) < 250, "without the script that Redis has refused"

    user.allow()
    after = queue.enqueue(jobs.succeed)
    work(worker, queue, after)

    assert ends(user.admin, "mail") == {("succeed", "success"): 2}
    assert write_errors(user.admin) == {"NOPERM": 4}
    assert running(user.admin, "mail") == 0


@LOST
def test_a_job_whose_end_was_refused_is_a_write_error_and_not_abandoned(
    user: User, rq: RQ, queue: Queue, redis_client: Redis, lost: tuple[str, ...]
) -> None:
    """Its start was counted: the right was lost while it ran."""
    job = queue.enqueue(jobs.wait_for_release, retry=Retry(2))
    limited = RQ(user.url, rq.log)
    with limited.start_worker("mail"):
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        assert running(redis_client, "mail") == 1
        user.allow(*lost)
        redis_client.set("release", 1)
        wait_until(lambda: job.get_status() == "finished", "its end")
        user.allow()
        queue.enqueue(jobs.succeed)
        wait_until(lambda: write_errors(redis_client) == {"NOPERM": 1}, "the uncounted end to be known")
        wait_until(lambda: ends(redis_client, "mail") == {("succeed", "success"): 1}, "the next to count")
        wait_until(lambda: running(redis_client, "mail") == 0, "nothing to run")
    _, reason = rq.log.read_text().split("not counted for now: ")
    assert "permissions" in reason


@LOST
def test_maintenance_reports_the_uncounted_jobs_once_the_right_is_back(
    user: User, queue: Queue, start_worker: StartWorker, lost: tuple[str, ...]
) -> None:
    worker = start_worker("mail", kind=MonitoredSimpleWorker, connection=user.client)
    user.allow(*lost)
    jobs_done = [queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)]
    work(worker, queue, *jobs_done)
    worker.clean_registries()
    assert write_errors(user.admin) == {}

    user.allow()
    worker.clean_registries()

    assert write_errors(user.admin) == {"NOPERM": 2}


def is_marked_by_heartbeat(worker: Any, admin: Redis) -> bool:
    worker.heartbeat()
    return bool(admin.hexists(worker.key, MONITORED_WORKER_FIELD))


@LOST
def test_a_worker_that_starts_without_the_right_counts_once_it_is_granted(
    user: User,
    queue: Queue,
    start_worker: StartWorker,
    lost: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger("rq.worker").propagate = True
    user.allow(*lost)
    worker = start_worker("mail", kind=MonitoredSimpleWorker, connection=user.client)
    work(worker, queue, queue.enqueue(jobs.succeed), queue.enqueue(jobs.fail))
    assert not is_marked_by_heartbeat(worker, user.admin)

    user.allow()
    work(worker, queue, queue.enqueue(jobs.succeed))

    assert ends(user.admin, "mail") == {("succeed", "success"): 1}
    assert write_errors(user.admin) == {"NOPERM": 2}
    wait_until(lambda: is_marked_by_heartbeat(worker, user.admin), "the next heartbeat that registers")
    assert sum("not counted for now" in record.message for record in caplog.records) == 1


def test_an_idle_worker_that_started_without_the_right_is_monitored_after_maintenance(
    user: User, start_worker: StartWorker
) -> None:
    user.allow("-eval")
    worker = start_worker("mail", connection=user.client)
    worker.clean_registries()
    assert not is_marked_by_heartbeat(worker, user.admin)

    user.allow()
    worker.clean_registries()

    assert is_marked_by_heartbeat(worker, user.admin)


def test_a_refused_search_for_abandoned_jobs_is_logged_once(
    user: User, start_worker: StartWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker = start_worker("mail", connection=user.client)
    logging.getLogger("rq.worker").propagate = True
    user.admin.hset(running_key("mail"), "execution", "anything")
    user.allow(*LOSSES["none of our keys"])
    for _ in range(2):
        user.admin.delete(search_lock_key("mail"))
        worker.clean_registries()
    (warning,) = [record.message for record in caplog.records if "abandoned jobs" in record.message]
    assert warning.startswith(f"Worker {worker.name}: cannot look for abandoned jobs: ")
    assert "permissions" in warning


@KINDS
def test_a_refused_command_of_rq_itself_is_logged_once(
    user: User, queue: Queue, start_worker: StartWorker, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker = start_worker("mail", kind=kind, connection=user.client)
    logging.getLogger("rq.worker").propagate = True
    job = queue.enqueue(jobs.succeed)
    user.allow("-hset")

    with pytest.raises(redis.exceptions.NoPermissionError):
        work(worker, queue, job)

    reported = [record.message for record in caplog.records if "a command of RQ itself" in record.message]
    assert len(reported) == 1
    assert "hset" in reported[0]
    assert failures(user.admin, "mail") == {}
    assert write_errors(user.admin) == {}


@pytest.mark.parametrize("watches", [False, True])
@pytest.mark.parametrize(
    ("lost", "lasts", "losses"),
    [(("-eval",), False, 1), (("-eval", "-hset"), True, 0), (("-eval", "-hset"), False, 1)],
    ids=["only ours", "all, until RQ gives up", "all, until RQ tries again"],
)
def test_only_ends_that_were_recorded_without_our_commands_are_uncounted(
    user: User, watches: bool, lost: tuple[str, ...], lasts: bool, losses: int
) -> None:
    """If Redis refuses RQ's own commands too, the end is recorded and counted later."""
    refused: list[str] = []
    reported: list[str] = []
    with user.client.pipeline() as pipeline:
        if watches:
            pipeline.watch("release")  # type: ignore[no-untyped-call]
            pipeline.multi()
        pipeline.hset("rq:job:any", "status", "finished")
        guarded = GuardedTransaction(pipeline, lambda: refused.append("refused"))
        guarded.add(lambda batch: batch.eval("return 1", 0), lambda error: reported.append(str(error)))
        user.allow(*lost)
        attempt(pipeline)
        if not lasts:
            user.allow()
        if watches or not lasts:
            pipeline.hset("rq:job:any", "status", "finished")
            attempt(pipeline)

    assert refused == ["refused"]
    assert len(reported) == losses
    assert user.admin.exists("rq:job:any") == (not lasts)


def test_the_failure_counts_if_the_success_could_not_be_recorded(
    user: User, queue: Queue, start_worker: StartWorker
) -> None:
    """As on a full disk: Redis refused the transaction before it."""

    class Unlucky(MonitoredSimpleWorker):
        def handle_execution_ended(self, job: Job, *args: Any) -> None:
            if job.get_status(refresh=False) == "failed":
                user.allow()
            super().handle_execution_ended(job, *args)
            if job.get_status(refresh=False) != "failed":
                user.allow("-eval", "-zadd")

    worker = start_worker("mail", kind=Unlucky, connection=user.client)
    job = queue.enqueue(jobs.succeed)
    work(worker, queue, job)

    assert job.get_status(refresh=True) == "failed"
    assert ends(user.admin, "mail") == {("succeed", "failed"): 1}
    assert write_errors(user.admin) == {}
    assert running(user.admin, "mail") == 0


def test_if_one_of_our_commands_fails_only_that_one_is_lost(redis_client: Redis) -> None:
    """The end is counted even if the note in the job's hash fails."""
    reported: list[str] = []
    with redis_client.pipeline() as pipeline:
        guarded = GuardedTransaction(pipeline, lambda: reported.append("refused"))
        guarded.add(lambda batch: batch.incr("end"), lambda error: reported.append(f"end: {error}"))
        guarded.add(
            lambda batch: batch.hset("end", "note", "x"), lambda error: reported.append(f"note: {error}")
        )
        pipeline.set("rq", "own")
        answers = pipeline.execute()

    assert reported[0] == "refused"
    assert reported[1].startswith("note: WRONGTYPE")
    assert len(reported) == 2
    assert answers[0] == 1
    assert redis_client.get("rq") == b"own"


def test_an_uncounted_end_recorded_twice_is_one_write_error(redis_client: Redis) -> None:
    refusals, error = Refusals(), redis.exceptions.NoPermissionError("no")
    for execution_id in ("first", "first", "second", "second", ""):
        refusals.note_end(error, execution_id)
    assert refusals.has_ended("second")
    assert not refusals.has_ended("first")
    assert refusals.settle(redis_client) == 3
    assert write_errors(redis_client) == {"NOPERM": 3}


@LOST
@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [(jobs.wait_for_release, "success", 0), (jobs.fail_when_released, "abandoned", 1)],
)
def test_an_uncounted_end_counts_once_if_its_worker_was_frozen_and_presumed_dead(
    user: User,
    rq: RQ,
    queue: Queue,
    redis_client: Redis,
    lost: tuple[str, ...],
    function: Callable[[], None],
    outcome: str,
    found: int,
) -> None:
    """The worker can report it only after others have counted the job."""
    job = queue.enqueue(function)
    limited = RQ(user.url, rq.log)
    with limited.start_worker("mail") as worker:
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        user.allow(*lost)
        redis_client.set("release", 1)
        wait_until(lambda: job.get_status() in ("finished", "failed"), "its end")
        worker.send_signal(signal.SIGSTOP)
        try:
            user.allow()
            (key,) = redis_client.scan_iter("rq:worker:*")
            redis_client.hset(key, "last_heartbeat", "2026-11-24T03:12:35.381567Z")
            assert count_abandoned(redis_client, JobRecorder(5, 5), "mail") == found
        finally:
            worker.send_signal(signal.SIGCONT)
        queue.enqueue(jobs.succeed)
        wait_until(lambda: "0 had ended uncounted" in rq.log.read_text(), "the worker to tell the rest")
        wait_until(lambda: ("succeed", "success") in ends(redis_client, "mail"), "the next to count")
    assert ends(redis_client, "mail") == {(function.__name__, outcome): 1, ("succeed", "success"): 1}
    assert write_errors(redis_client) == {}
    assert running(redis_client, "mail") == 0


def attempt(pipeline: redis.client.Pipeline) -> None:
    with suppress(redis.ResponseError, redis.WatchError):
        pipeline.execute()


def test_a_dependent_is_enqueued_even_if_our_commands_are_refused(
    user: User, queue: Queue, start_worker: StartWorker, redis_client: Redis
) -> None:
    """RQ watches the dependents of an ending job: they are read again before the end is sent without us."""
    worker = start_worker("mail", kind=MonitoredSimpleWorker, connection=user.client)
    first = queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed_again, depends_on=first)
    user.allow("-eval")
    work(worker, queue, first)
    assert len(queue.job_ids) == 1

"""Workers run jobs whether or not they can count them, with any names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.redis_server import RedisServer
from rq_mon.series import running_key
from rq_mon.worker.maintenance import end_abandoned_jobs
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, failures, write_errors
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow

HOSTILE = ['"quoted"', "line\nfeed", "a:b", "größe ☃", "{a}*[b]", "'; return 1 --"]


class CustomJob(Job):
    """An application's own job class."""


@pytest.fixture
def user(redis_server: RedisServer, redis_client: Redis, tmp_path: Path) -> Iterator[RQ]:
    """RQ as a Redis user whose rights the test sets."""
    url = redis_server.url.replace("redis://", "redis://limited:secret@")
    yield RQ(url, tmp_path / "rq.log")
    redis_client.acl_deluser("limited")


def allow(redis: Redis, *rights: str) -> None:
    redis.execute_command("ACL", "SETUSER", "limited", "on", ">secret", *rights)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "rights",
    [
        ("~*", "&*", "+@all", "-@scripting"),
        ("~rq:[^m]*", "&*", "+@all"),
    ],
    ids=["no scripts", "no keys of this package"],
)
def test_a_worker_without_the_right_to_count_warns_and_runs_its_jobs(
    user: RQ, queue: Queue, redis_client: Redis, rights: tuple[str, ...]
) -> None:
    allow(redis_client, *rights)
    done, failed = queue.enqueue(jobs.succeed), queue.enqueue(jobs.fail)
    log = user.work("mail")
    assert (done.get_status(), failed.get_status()) == ("finished", "failed")
    assert "jobs run, but are not counted" in log
    assert list(redis_client.scan_iter("rq:monitor:*")) == []


def test_a_worker_without_the_right_to_one_command_warns_and_runs_its_jobs(
    user: RQ, queue: Queue, redis_client: Redis
) -> None:
    allow(redis_client, "~*", "&*", "+@all", "-sismember")
    job = queue.enqueue(jobs.succeed)
    log = user.work("mail")
    assert "not every job can be counted: " in log
    assert job.get_status() == "finished"


def test_counting_needs_only_the_rights_that_rq_needs(user: RQ, queue: Queue, redis_client: Redis) -> None:
    """These are the rights of the stack's own workers."""
    allow(
        redis_client,
        *("resetkeys", "~rq:*", "resetchannels", "&rq:*", "-@all", "+@read", "+@write", "+@connection"),
        *("+@transaction", "+@pubsub", "+@scripting", "+@blocking", "-@dangerous", "-@admin"),
        *("+client|list", "+client|setname", "+info"),
    )
    queue.enqueue(jobs.succeed)
    assert "counted" not in user.work("mail")
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_jobs_run_even_if_one_of_our_keys_has_a_wrong_type(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    redis_client.set(running_key("mail"), "broken")
    done, failed = queue.enqueue(jobs.succeed), queue.enqueue(jobs.fail)
    rq.work("mail", worker_class=worker_class)
    assert (done.get_status(), failed.get_status()) == ("finished", "failed")
    assert write_errors(redis_client) == {"WRONGTYPE": 4}


@pytest.mark.parametrize("foreign", ["", "nonsense", "\x1f" * 5, "\xff"])
def test_a_worker_goes_on_even_if_the_running_jobs_hold_an_unreadable_entry(
    rq: RQ, queue: Queue, redis_client: Redis, foreign: str
) -> None:
    redis_client.hset(running_key("mail"), "execution", foreign)
    job = queue.enqueue(jobs.succeed)
    rq.work("mail")
    assert job.get_status() == "finished"
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_names_may_contain_any_characters(rq: RQ, redis_client: Redis, worker_class: str) -> None:
    for name in HOSTILE:
        Queue(name, connection=redis_client).enqueue(jobs.fail_with, name)
        Queue(name, connection=redis_client).enqueue(name)
    rq.work(*HOSTILE, worker_class=worker_class)
    for name in HOSTILE:
        assert ends(redis_client, name) == {("fail_with", "failed"): 1, (name, "failed"): 1}
        assert failures(redis_client, name)["fail_with", name] == 1
    assert write_errors(redis_client) == {}


def test_a_job_that_cannot_be_deserialized_fails(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    job = queue.enqueue(jobs.succeed)
    redis_client.hset(job.key, "data", "nonsense")
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("succeed", "failed"): 1}
    assert failures(redis_client, "mail") == {("succeed", "DeserializationError"): 1}


def test_jobs_may_be_stored_as_json(rq: RQ, redis_client: Redis, worker_class: str) -> None:
    Queue("mail", connection=redis_client, serializer="json").enqueue(jobs.succeed, 1)
    rq.work("mail", worker_class=worker_class, options=("--serializer", "json"))
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_jobs_may_have_their_own_class(rq: RQ, redis_client: Redis, worker_class: str) -> None:
    Queue("mail", connection=redis_client, job_class=CustomJob).enqueue(jobs.succeed)
    option = ("--job-class", f"{CustomJob.__module__}.{CustomJob.__name__}")
    rq.work("mail", worker_class=worker_class, options=option)
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_abandoned_jobs_end_even_if_the_key_of_their_queue_has_a_wrong_type(
    redis_client: Redis, queue: Queue
) -> None:
    job = queue.enqueue(jobs.succeed)
    with redis_client.pipeline() as pipeline:
        job.prepare_for_execution("lost", pipeline)
        pipeline.execute()
    redis_client.zadd(queue.started_job_registry.key, {f"{job.id}:lost": time.time() - 1})
    redis_client.set(queue.key, "a string")

    end_abandoned_jobs(queue, [])

    assert job.get_status() == JobStatus.FAILED
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []

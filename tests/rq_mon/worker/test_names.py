"""The name under which a job counts: from its application or its function, and the same in rqmon."""

from __future__ import annotations

import pickle
import zlib
from typing import Any, cast

import pytest
from redis import Redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job

from rq_mon.catalogue import JOB_EXCEPTION_FIELD, JOB_FUNCTION_FIELD, RUNNING_KEY_PREFIX
from rq_mon.state.failed_jobs import FailedJob, read_failed_jobs
from rq_mon.state.stored_jobs import read_functions
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, failures
from tests.rq_mon.worker.processes import RQ

META = "rq_mon_function"
NAMES_BY_ARGUMENT = "tests.rq_mon.worker.worker_classes.NamesByArgumentWorker"
CLASSES = "tests.rq_mon.worker.worker_classes"


class Packed:
    """An application's own serializer, whose data are not readable; it records what it loads."""

    loaded: list[str] = []  # noqa: RUF012

    @staticmethod
    def dumps(value: Any) -> bytes:
        return b"packed" + zlib.compress(pickle.dumps(value))

    @staticmethod
    def loads(data: bytes) -> Any:
        Packed.loaded.append("data")
        return pickle.loads(zlib.decompress(data.removeprefix(b"packed")))


def failed(redis: Redis, *job_ids: str, queue: str = "mail") -> list[FailedJob]:
    return read_failed_jobs(redis, queue, [job_id.encode() for job_id in job_ids])


def note(redis: Redis, job: Job, field: str) -> bytes | None:
    return cast("bytes | None", redis.hget(job.key, field))


# --- names from the application ---


def test_a_job_counts_under_the_name_in_its_meta(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    ones = [queue.enqueue(jobs.fail, meta={META: "invoice.send"}) for _ in range(2)]
    other = queue.enqueue(jobs.fail)
    queue.enqueue(jobs.succeed, meta={META: "größe|\ud800"})

    rq.work("mail", worker_class=worker_class)

    assert ends(redis_client, "mail") == {
        ("invoice.send", "failed"): 2,
        ("fail", "failed"): 1,
        ("größe|?", "success"): 1,
    }
    found = failed(redis_client, *(job.id for job in ones), other.id)
    assert [job.function for job in found] == [
        "invoice.send",
        "invoice.send",
        "tests.rq_mon.worker.jobs.fail",
    ]
    assert note(redis_client, other, JOB_FUNCTION_FIELD) is None


@pytest.mark.parametrize("given", ["", "  ", "x" * 201, 7, ["invoice.send"], b"invoice.send", True])
def test_invalid_names_are_ignored_with_one_warning(
    rq: RQ, queue: Queue, redis_client: Redis, given: object
) -> None:
    for _ in range(2):
        queue.enqueue(jobs.succeed, meta={META: given})

    log = rq.work("mail")

    assert ends(redis_client, "mail") == {("succeed", "success"): 2}
    assert log.count("expected a name of 1 to 200 characters, got") == 1


def test_a_name_may_have_200_characters(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    queue.enqueue(jobs.succeed, meta={META: "x" * 200})
    log = rq.work("mail")
    assert ends(redis_client, "mail") == {("x" * 200, "success"): 1}
    assert "expected a name" not in log


def test_a_job_whose_meta_is_no_dictionary_counts_as_its_function(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.succeed)
    stored: Any = pickle.dumps(["no dictionary"])
    redis_client.hset(job.key, "meta", stored)
    rq.work("mail")
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_a_job_counts_under_the_name_that_a_method_of_its_worker_returns(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.fail_with, "KeyError")
    queue.enqueue(jobs.succeed, meta={META: "not asked for"})

    rq.work("mail", worker_class=NAMES_BY_ARGUMENT)

    assert failures(redis_client, "mail") == {("named KeyError", "KeyError"): 1}
    assert ("succeed", "success") in ends(redis_client, "mail")
    assert failed(redis_client, job.id)[0].function == "named KeyError"


@pytest.mark.parametrize("worker", ["RaisesForANameWorker", "ReturnsAListWorker"])
def test_if_the_naming_method_fails_jobs_count_as_their_functions_with_one_warning(
    rq: RQ, queue: Queue, redis_client: Redis, worker: str
) -> None:
    for _ in range(2):
        queue.enqueue(jobs.succeed)
    log = rq.work("mail", worker_class=f"{CLASSES}.{worker}")
    assert ends(redis_client, "mail") == {("succeed", "success"): 2}
    assert log.count("counts by its function") == 1


def test_the_limit_of_functions_applies_to_given_names(
    rq: RQ, queue: Queue, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_METRICS_MAX_FUNCTIONS_PER_QUEUE", "2")
    for name in ("a", "b", "c", "d"):
        queue.enqueue(jobs.succeed, meta={META: name})
    rq.work("mail")
    assert ends(redis_client, "mail") == {("a", "success"): 1, ("b", "success"): 1, ("other", "success"): 2}


def test_a_job_whose_name_was_removed_counts_as_its_function_again(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.fail, meta={META: "invoice.send"})
    rq.work("mail")
    assert note(redis_client, job, JOB_FUNCTION_FIELD) == b"invoice.send"
    again = Job.fetch(job.id, connection=redis_client)
    again.meta = {"other": 1}
    again.save_meta()  # type: ignore[no-untyped-call]
    again.requeue()

    rq.work("mail")

    assert note(redis_client, job, JOB_FUNCTION_FIELD) is None
    assert failed(redis_client, job.id)[0].function == "tests.rq_mon.worker.jobs.fail"


def test_no_note_of_the_name_is_left_of_a_deleted_job(redis_client: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.succeed, meta={META: "invoice.send"}, result_ttl=0)
    MonitoredSimpleWorker([queue], connection=redis_client).work(burst=True, logging_level="CRITICAL")
    assert not redis_client.exists(job.key)


# --- the application's own serializers ---


@pytest.mark.parametrize("description", [None, "Nightly (all shops)"])
def test_an_applications_own_serializer_loads_nothing_before_the_job_runs(
    redis_client: Redis, description: str | None
) -> None:
    queue = Queue("mail", connection=redis_client, serializer=Packed)
    job = queue.enqueue(jobs.fail, description=description)
    seen: list[list[str]] = []

    class Watched(MonitoredSimpleWorker):
        def prepare_execution(self, job: Job) -> Any:
            Packed.loaded.clear()
            prepared = super().prepare_execution(job)
            seen.append([*Packed.loaded])
            return prepared

    Watched([queue], connection=redis_client, serializer=Packed).work(burst=True, logging_level="CRITICAL")

    assert seen == [[]]
    assert failures(redis_client, "mail") == {("fail", "ValueError"): 1}
    Packed.loaded.clear()
    assert failed(redis_client, job.id)[0].function == "tests.rq_mon.worker.jobs.fail"
    assert Packed.loaded == []


def test_a_method_call_with_large_data_counts_as_its_method(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.Thrower("x" * 100_000).throw, "y" * 100_000)
    rq.work("mail")
    assert failures(redis_client, "mail") == {("Thrower.throw", "LookupError"): 1}
    assert note(redis_client, job, JOB_FUNCTION_FIELD) == b"tests.rq_mon.worker.jobs.Thrower.throw"
    assert read_functions(redis_client, [job.id.encode()]) == ["tests.rq_mon.worker.jobs.Thrower.throw"]


# --- exceptions ---


def test_the_counted_exception_is_saved_with_the_job(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    ones = [queue.enqueue(jobs.fail_with, name) for name in ("Odd-Error", "x" * 250, "KeyError")]

    rq.work("mail", worker_class=worker_class)

    counted = sorted(exception for _, exception in failures(redis_client, "mail"))
    kept = [failed(redis_client, job.id)[0].exception for job in ones]
    assert sorted(kept) == counted == sorted(["KeyError", "Odd-Error", "x" * 200])


def test_a_killed_work_horse_and_one_retry_too_many_are_saved_with_the_job(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    killed, asked = queue.enqueue(jobs.kill_work_horse), queue.enqueue(jobs.ask_for_retry, 0)
    rq.work("mail")
    counted = {exception for _, exception in failures(redis_client, "mail")}
    assert {job.exception for job in failed(redis_client, killed.id, asked.id)} == counted
    assert len(counted) == 2


def test_the_exception_of_a_later_uncounted_failure_is_read_from_its_traceback(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.fail_otherwise_the_second_time)
    rq.work("mail")
    assert failed(redis_client, job.id)[0].exception == "ValueError"
    Job.fetch(job.id, connection=redis_client).requeue()

    SimpleWorker([queue], connection=redis_client).work(burst=True, logging_level="CRITICAL")

    assert failed(redis_client, job.id)[0].exception == "KeyError"


def test_rq_can_read_a_job_that_succeeded_after_a_saved_failure(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.fail_once, retry=Retry(max=1), meta={META: "once"})
    rq.work("mail")
    assert ends(redis_client, "mail") == {("once", "retried"): 1, ("once", "success"): 1}
    fetched = Job.fetch(job.id, connection=redis_client)
    assert (fetched.get_status(), fetched.meta) == ("finished", {META: "once"})
    kept = note(redis_client, job, JOB_EXCEPTION_FIELD)
    assert kept is not None
    assert kept.endswith(b" ValueError")


def test_a_running_job_is_listed_by_its_name(redis_client: Redis, queue: Queue) -> None:
    seen: list[str] = []

    class Watched(MonitoredSimpleWorker):
        def perform_job(self, job: Job, *args: Any, **kwargs: Any) -> bool:
            entries: Any = redis_client.hvals(f"{RUNNING_KEY_PREFIX}mail")
            seen.extend(entry.decode().rpartition("\x1f")[2] for entry in entries)
            seen.extend(read_functions(redis_client, [job.id.encode()]))
            return super().perform_job(job, *args, **kwargs)

    queue.enqueue(jobs.succeed, meta={META: "invoice.send"})
    Watched([queue], connection=redis_client).work(burst=True, logging_level="CRITICAL")
    assert seen == ["invoice.send", "invoice.send"]

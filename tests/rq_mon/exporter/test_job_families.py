"""Jobs: the counts of monitored workers, and the zeros that let increase() see the first event."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis
from rq import Queue

from rq_mon import MonitoredSimpleWorker, catalogue
from rq_mon.series import jobs_key, waits_key
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import errors_of, samples_of

SUCCEED = {"queue": "mail", "function": "tests.rq_mon.exporter.jobs.succeed"}
FAIL = {"queue": "mail", "function": "tests.rq_mon.exporter.jobs.fail"}


@pytest.fixture
def worked(redis_client: Redis, queue: Queue) -> Queue:
    """A queue in RQ with two jobs that workers have recorded."""
    queue.enqueue(jobs.succeed)
    recorder = JobRecorder(max_functions=10, max_exceptions=10)
    for job_id in ("job-1", "job-2"):
        recorder.record_start(redis_client, Start(job_id, "mail", description="", waited=0.3))
    recorder.record_end(redis_client, End("job-1", "job-1", **SUCCEED, outcome="success", seconds=0.02))
    recorder.record_end(
        redis_client, End("job-2", "job-2", **FAIL, outcome="failed", exception="ValueError", seconds=7)
    )
    return queue


def test_end_of_a_real_workers_job_is_served(
    registry: CollectorRegistry, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.succeed)
    MonitoredSimpleWorker([queue], connection=redis_client).work(burst=True)
    labels = {**SUCCEED, "outcome": "success"}

    assert registry.get_sample_value("rq_jobs_processed_total", labels) == 1
    assert registry.get_sample_value("rq_job_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("rq_job_wait_seconds_count", {"queue": "mail"}) == 1


def test_jobs_count_by_queue_function_and_outcome(registry: CollectorRegistry, worked: Queue) -> None:
    assert registry.get_sample_value("rq_jobs_processed_total", {**SUCCEED, "outcome": "success"}) == 1
    assert registry.get_sample_value("rq_jobs_processed_total", {**FAIL, "outcome": "failed"}) == 1


def test_known_function_has_a_zero_for_every_outcome(registry: CollectorRegistry, worked: Queue) -> None:
    others = [outcome for outcome in catalogue.OUTCOMES if outcome != "success"]

    for outcome in others:
        assert registry.get_sample_value("rq_jobs_processed_total", {**SUCCEED, "outcome": outcome}) == 0


def test_failures_count_by_exception_class(registry: CollectorRegistry, worked: Queue) -> None:
    assert registry.get_sample_value("rq_job_failures_total", {**FAIL, "exception": "ValueError"}) == 1


@pytest.mark.parametrize("exception", ["WorkHorseKilled", "AbandonedJobError", "MaxRetriesExceeded"])
def test_known_function_has_a_zero_for_every_exception_of_rq(
    registry: CollectorRegistry, worked: Queue, exception: str
) -> None:
    assert registry.get_sample_value("rq_job_failures_total", {**SUCCEED, "exception": exception}) == 0


def test_run_times_are_a_histogram_with_the_buckets_of_the_catalogue(
    registry: CollectorRegistry, worked: Queue
) -> None:
    found = samples_of(registry, "rq_job_duration_seconds_bucket")
    bounds = {dict(labels)["le"] for _, labels in found if dict(labels)["outcome"] == "success"}
    labels = {**SUCCEED, "outcome": "success"}

    assert bounds == {*map(str, catalogue.DURATION_BUCKETS), "+Inf"}
    assert registry.get_sample_value("rq_job_duration_seconds_bucket", {**labels, "le": "+Inf"}) == 1
    assert registry.get_sample_value("rq_job_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("rq_job_duration_seconds_sum", labels) == 0.02


def test_buckets_are_cumulative(registry: CollectorRegistry, redis_client: Redis, worked: Queue) -> None:
    fields: dict[Any, Any] = {"success:le:0.1": 2, "success:le:+Inf": 3}
    redis_client.hset(jobs_key("mail", SUCCEED["function"]), mapping=fields)
    labels = {**SUCCEED, "outcome": "success"}

    def bucket(le: str) -> float | None:
        return registry.get_sample_value("rq_job_duration_seconds_bucket", {**labels, "le": le})

    assert bucket("0.01") == 0
    assert bucket("0.025") == bucket("0.05") == 1
    assert bucket("0.1") == bucket("1800.0") == 3
    assert bucket("+Inf") == 6


def test_run_times_of_unseen_outcomes_are_not_served(registry: CollectorRegistry, worked: Queue) -> None:
    counts = samples_of(registry, "rq_job_duration_seconds_count")

    assert {dict(labels)["outcome"] for _, labels in counts} == {"success", "failed"}
    assert len(counts) == 2


def test_abandoned_job_counts_without_a_run_time(
    registry: CollectorRegistry, redis_client: Redis, worked: Queue
) -> None:
    redis_client.hset(jobs_key("mail", SUCCEED["function"]), "abandoned:count", "1")
    labels = {**SUCCEED, "outcome": "abandoned"}

    assert registry.get_sample_value("rq_jobs_processed_total", labels) == 1
    assert registry.get_sample_value("rq_job_duration_seconds_count", labels) is None


def test_each_bucket_names_the_newest_job_in_it(registry: CollectorRegistry, worked: Queue) -> None:
    found = {
        (sample.labels["outcome"], sample.labels["le"]): sample.exemplar
        for family in registry.collect()
        for sample in family.samples
        if sample.exemplar
    }

    assert found.keys() == {("success", "0.025"), ("failed", "10.0")}
    assert found["failed", "10.0"].labels == {"job_id": "job-2"}
    assert found["failed", "10.0"].value == 7
    assert found["failed", "10.0"].timestamp == pytest.approx(time.time(), abs=60)


def test_job_id_that_is_too_long_for_an_exemplar_is_left_out(
    registry: CollectorRegistry, redis_client: Redis, worked: Queue
) -> None:
    too_long = "x" * 123
    redis_client.hset(
        jobs_key("mail", SUCCEED["function"]), "success:exemplar:0.025", f"1795490000.000 0.02 {too_long}"
    )

    found = [sample.exemplar for family in registry.collect() for sample in family.samples if sample.exemplar]

    assert [exemplar.labels["job_id"] for exemplar in found] == ["job-2"]
    assert errors_of(registry, "jobs") == 0


def test_waits_are_a_histogram_by_queue(registry: CollectorRegistry, worked: Queue) -> None:
    assert registry.get_sample_value("rq_job_wait_seconds_count", {"queue": "mail"}) == 2


def test_waits_are_0_in_a_queue_without_started_jobs(registry: CollectorRegistry, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)

    assert registry.get_sample_value("rq_job_wait_seconds_count", {"queue": "mail"}) == 0
    assert registry.get_sample_value("rq_job_wait_seconds_bucket", {"queue": "mail", "le": "+Inf"}) == 0


def test_counts_stay_when_the_queue_is_deleted(registry: CollectorRegistry, worked: Queue) -> None:
    worked.delete(delete_jobs=True)

    assert registry.get_sample_value("rq_jobs_processed_total", {**SUCCEED, "outcome": "success"}) == 1


def test_broken_hash_is_left_out_and_counted(
    registry: CollectorRegistry, redis_client: Redis, worked: Queue
) -> None:
    redis_client.hset(jobs_key("mail", SUCCEED["function"]), "success:count", "many")
    redis_client.hset(waits_key("mail"), "microseconds", "few")

    assert registry.get_sample_value("rq_jobs_processed_total", {**SUCCEED, "outcome": "success"}) is None
    assert registry.get_sample_value("rq_jobs_processed_total", {**FAIL, "outcome": "failed"}) == 1
    assert registry.get_sample_value("rq_job_wait_seconds_count", {"queue": "mail"}) == 0
    assert errors_of(registry, "jobs") == 2 * 4


def test_jobs_that_workers_could_not_count_are_served(
    registry: CollectorRegistry, redis_client: Redis, worked: Queue
) -> None:
    redis_client.hset(catalogue.WRITE_ERRORS_KEY, "WRONGTYPE", "7")

    assert registry.get_sample_value("rq_job_metrics_write_errors_total", {"reason": "WRONGTYPE"}) == 7
    assert registry.get_sample_value("rq_job_metrics_write_errors_total", {"reason": "OOM"}) == 0

"""The data of the stack in containers survives a stop, and is backed up, restored and removed.

The last test removes the stack of this file.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job, JobStatus

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.connection.client import connect
from scheduler import job_scheduler
from scheduler.queues import SHORT_RUNNING_QUEUE
from stack.services import PROMETHEUS, RQ_EXPORTER
from tests.stack.compose.restarts import started_containers

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=60)]

JOBS = 1000


def test_a_stop_with_hundreds_of_jobs_in_flight_loses_none_and_runs_none_twice(
    stack: ComposeStack, redis: Redis
) -> None:
    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3")
    assert scaled.returncode == 0, scaled.stdout
    counted = f'{catalogue.JOBS_PROCESSED.name}{{queue="{SHORT_RUNNING_QUEUE}",function="time.sleep"}}'
    before = stack.sum_of(counted)
    enqueued = [
        job_scheduler(time.sleep, function_args=(1 if number >= JOBS - 70 else 0.01,)).id
        for number in range(JOBS)
    ]

    def finished() -> list[Job]:
        jobs = [job for job in Job.fetch_many(enqueued, connection=redis) if job]
        return [job for job in jobs if job.get_status(refresh=False) == JobStatus.FINISHED]

    wait_until(lambda: len(finished()) >= JOBS // 5, "some jobs to end", within=120, every=1)
    stopped = stack.make("stop-rq-mon")
    assert stopped.returncode == 0, stopped.stdout
    stopped_at = datetime.now(UTC)
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout

    wait_until(lambda: len(finished()) == JOBS, "all jobs to finish", within=300, every=1)
    assert any(job.ended_at and job.ended_at > stopped_at for job in finished()), (
        "some were left to the start"
    )
    assert [len(job.results()) for job in finished()] == [1] * JOBS
    wait_until(
        lambda: stack.sum_of(counted) - before == JOBS, f"{counted} to grow by {JOBS}", within=60, every=1
    )


def test_a_backup_of_a_running_stack_is_restored_after_clean(
    stack: ComposeStack, redis: Redis, tmp_path: Path
) -> None:
    failed = job_scheduler("application.missing", max_retries=None)
    queued = job_scheduler(time.sleep, function_args=(1,), queue_name="unworked")
    later = job_scheduler(time.sleep, function_args=(1,), queue_name="unworked", time_delta=timedelta(days=1))
    states = {failed.id: JobStatus.FAILED, queued.id: JobStatus.QUEUED, later.id: JobStatus.SCHEDULED}

    def now() -> dict[str, JobStatus]:
        with connect(stack.redis_url()) as client:  # clean removes the passwords, too
            return {job.id: job.get_status() for job in Job.fetch_many(states, connection=client) if job}

    wait_until(lambda: now() == states, "the job to fail")
    counted = f'{catalogue.JOBS_PROCESSED.name}{{function="application.missing"}}'
    wait_until(lambda: stack.sum_of(counted) == 1, "the failure in Prometheus", within=60, every=1)
    moment, before, file = time.time(), started_containers(stack), tmp_path / "backup.zip"

    backup = stack.make("backup", FILE=str(file))

    assert backup.returncode == 0, backup.stdout
    (prometheus,) = stack.containers(PROMETHEUS)
    restarted = started_containers(stack).items() - before.items()
    assert restarted == {(prometheus["Id"], prometheus["State"]["StartedAt"])}, "all others went on"
    refused = stack.make("restore", FILE=str(file), YES="1")
    assert "The stack is running. Stop it before" in refused.stdout
    assert stack.make("clean", YES="1").returncode == 0
    assert stack.volumes() == []
    del stack.environment["RUNTIME"]  # without data, either runtime could be meant
    refused = stack.make("restore", FILE=str(file), YES="1")
    assert refused.returncode != 0
    assert "YES=1 does not choose one. Choose one: RUNTIME=compose or" in refused.stdout
    stack.environment["RUNTIME"] = "compose"
    assert stack.volumes() == []
    restored = stack.make("restore", FILE=str(file), YES="1")
    assert restored.returncode == 0, restored.stdout
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert now() == states
    assert 'function="application.missing"' in stack.page(RQ_EXPORTER, "/metrics")
    assert stack.sum_of(f"{counted} @ {moment:.3f}") == 1, "what Prometheus knew before the backup"


def test_stop_keeps_the_data_and_clean_removes_it(stack: ComposeStack, redis: Redis) -> None:
    job = job_scheduler(time.sleep, function_args=(0.01,), queue_name=SHORT_RUNNING_QUEUE)
    volumes = stack.volumes()
    assert volumes

    stopped = stack.make("stop-rq-mon")

    assert stopped.returncode == 0, stopped.stdout
    assert stack.containers() == []
    assert stack.volumes() == volumes

    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert job.get_status() is not None

    cleaned = stack.make("clean", YES="1")
    assert cleaned.returncode == 0, cleaned.stdout
    assert stack.containers() == []
    assert stack.volumes() == []
    assert stack.networks() == []
    assert stack.built_images() == []
    assert not (stack.directory / ".rq-mon").exists()
    assert "docker image rm" in cleaned.stdout
    assert "rm -r .venv" in cleaned.stdout

"""A native stack is scaled, in the order of this file."""

from __future__ import annotations

import pytest
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from rq_mon.cron.definition import CronJob
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.services import SHORT_RUNNING_WORKER
from tests.harness import stack_jobs as jobs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
    pytest.mark.usefixtures("queues_of_the_stack"),
]


WORKERS = f'rq_queue_workers{{queue="{SHORT_RUNNING_QUEUE}"}}'


def workers_of(stack: NativeStack) -> dict[str, int]:
    """The process ids of the workers of short-running, by program name."""
    return {name: pid for name, pid in stack.numbers().items() if name.startswith(SHORT_RUNNING_WORKER.name)}


def wait_until_prometheus_sees(stack: NativeStack, number: int) -> None:
    wait_until(lambda: stack.sum_of(WORKERS) == number, f"{WORKERS} to be {number}", within=60, every=0.5)


def status_of(stack: NativeStack, job: Job | CronJob) -> JobStatus | None:
    with connect(stack.redis_url()) as redis:
        return Job.fetch(job.id, connection=redis).get_status()


def test_workers_are_added_without_restarting_others(stack: NativeStack) -> None:
    before = stack.numbers()

    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="4")

    assert scaled.returncode == 0, scaled.stdout
    assert len(workers_of(stack)) == 4
    assert before.items() <= stack.numbers().items()
    wait_until_prometheus_sees(stack, 4)


def test_the_number_survives_stop_and_start(stack: NativeStack) -> None:
    before = stack.numbers()
    assert stack.make("start-rq-mon").returncode == 0
    assert stack.numbers() == before

    assert stack.make("stop-rq-mon").returncode == 0
    assert stack.make("start-rq-mon").returncode == 0

    assert len(workers_of(stack)) == 4
    assert f"{SHORT_RUNNING_WORKER.number_variable}=4" in (stack.directory / ".env").read_text()


def test_removed_workers_end_after_their_jobs_without_restarting_others(stack: NativeStack) -> None:
    running = [job_scheduler(jobs.take, function_args=[20], max_retries=None) for _ in range(4)]
    wait_until(
        lambda: all(status_of(stack, job) is JobStatus.STARTED for job in running), "every worker to be busy"
    )
    before = stack.numbers()

    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="2")

    assert scaled.returncode == 0, scaled.stdout
    gone = [f"{SHORT_RUNNING_WORKER.name}-{number}" for number in (3, 4)]
    assert stack.numbers() == {name: pid for name, pid in before.items() if name not in gone}
    wait_until(
        lambda: all(status_of(stack, job) is JobStatus.FINISHED for job in running), "every job to finish"
    )


def test_a_worker_that_was_scaled_down_is_not_reported_as_lost(stack: NativeStack) -> None:
    wait_until_prometheus_sees(stack, 2)

    assert stack.sum_of("count(last_over_time(rq_worker_expires_in_seconds[10m]))") >= 5, "their series end"
    assert stack.sum_of("min(min_over_time(rq_worker_expires_in_seconds[10m]))") >= 30
    assert stack.sum_of('count(last_over_time(ALERTS{alertname="RQWorkersLost"}[10m]))') == 0


@pytest.mark.parametrize(
    ("queue", "workers", "message"),
    [
        ("short", "2", "QUEUE: expected short-running or long-running, got 'short'"),
        ("", "2", "QUEUE: expected short-running or long-running, got ''"),
        (SHORT_RUNNING_QUEUE, "0", "WORKERS: expected a whole number from 1 to 99, got '0'"),
        (SHORT_RUNNING_QUEUE, "many", "WORKERS: expected a whole number from 1 to 99, got 'many'"),
    ],
)
def test_an_invalid_scale_is_refused_and_changes_nothing(
    stack: NativeStack, queue: str, workers: str, message: str
) -> None:
    before = stack.numbers(), (stack.directory / ".env").read_text()

    refused = stack.make("scale", QUEUE=queue, WORKERS=workers)

    assert refused.returncode != 0
    assert message in refused.stdout
    assert (stack.numbers(), (stack.directory / ".env").read_text()) == before


def test_scale_is_refused_if_the_environment_sets_the_number(stack: NativeStack) -> None:
    refused = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3", SHORT_RUNNING_WORKERS="2")

    assert refused.returncode != 0
    assert "SHORT_RUNNING_WORKERS: expected it in .env only" in refused.stdout


def test_the_number_in_the_file_takes_effect_with_the_next_start(stack: NativeStack) -> None:
    before = stack.numbers()
    (stack.directory / ".env").write_text(f"{SHORT_RUNNING_WORKER.number_variable}=1\n")

    assert stack.make("start-rq-mon").returncode == 0

    gone = f"{SHORT_RUNNING_WORKER.name}-2"
    assert stack.numbers() == {name: pid for name, pid in before.items() if name != gone}


def test_scale_of_a_stopped_stack_keeps_the_number_for_the_next_start(stack: NativeStack) -> None:
    assert stack.make("stop-rq-mon").returncode == 0

    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3")

    assert scaled.returncode == 0
    assert "is not running. It will start with SHORT_RUNNING_WORKERS=3, from .env" in scaled.stdout
    assert stack.processes() == []

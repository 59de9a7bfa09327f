"""A native stack with queues of the user's own, in the order of this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import QUEUE_OBJECTIVE_WAIT, QUEUE_WORKERS
from rq_mon.connection.client import connect
from stack.queues import worker_of
from stack.services import SHORT_RUNNING_WORKER
from tests.harness import stack_jobs as jobs

pytestmark = [
    pytest.mark.e2e(seconds=10),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

MAIL, HIGH, REPORTS = "mail", "emails:high", "reports"
"""Two of them have workers at first, and one has a name that no program could have."""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("queues"))
    (copy.directory / ".env").write_text(f"RQ_MON_QUEUES={MAIL}:2,{HIGH}:1,{REPORTS}:0\n")
    started = copy.make("start-rq-mon")
    try:
        assert started.returncode == 0, started.stdout
        assert "RQ_MON_QUEUES gives no workers to short-running and long-running" in started.stdout
        assert "make demo" not in started.stdout
        yield copy
    finally:
        copy.remove()


def workers(stack: NativeStack) -> set[str]:
    return {name for name in stack.numbers() if "-worker" in name}


def test_each_listed_queue_has_its_number_of_workers_and_no_other_has_any(stack: NativeStack) -> None:
    assert workers(stack) == {"mail-worker", "mail-worker-2", worker_of(HIGH).name}
    assert SHORT_RUNNING_WORKER.name not in stack.make("status").stdout


def test_jobs_of_listed_queues_run_and_prometheus_has_their_metrics_and_objectives(
    stack: NativeStack,
) -> None:
    with connect(stack.redis_url()) as redis:
        done = [Queue(queue, connection=redis).enqueue(jobs.take, 0) for queue in (MAIL, HIGH)]
        wait_until(lambda: all(job.is_finished for job in done), "the jobs to finish", within=90)

    for queue, number in ((MAIL, 2), (HIGH, 1)):
        running = f'{QUEUE_WORKERS.name}{{queue="{queue}"}} == {number}'
        wait_until(lambda: stack.sum_of(running), f"{running} in Prometheus", within=90, every=0.5)  # noqa: B023
        assert stack.sum_of(f'{QUEUE_OBJECTIVE_WAIT.name}{{queue="{queue}"}}') == 300


def test_the_demo_is_refused_without_workers_of_its_queues(stack: NativeStack) -> None:
    refused = stack.make("demo", SECONDS="1")

    assert refused.returncode != 0
    assert "RQ_MON_QUEUES gives no workers to short-running and long-running" in refused.stdout


def test_scaling_changes_the_number_in_the_list(stack: NativeStack) -> None:
    before = stack.numbers()

    assert stack.make("scale", QUEUE=REPORTS, WORKERS="2").returncode == 0
    scaled = stack.make("scale", QUEUE=MAIL, WORKERS="0")

    assert scaled.returncode == 0, scaled.stdout
    assert f"RQ_MON_QUEUES={MAIL}:0,{HIGH}:1,{REPORTS}:2 is kept in .env" in scaled.stdout
    assert workers(stack) == {worker_of(HIGH).name, "reports-worker", "reports-worker-2"}
    assert {name: pid for name, pid in before.items() if not name.startswith("mail-")}.items() <= (
        stack.numbers().items()
    )


def test_the_next_start_ends_the_workers_of_a_removed_queue(stack: NativeStack) -> None:
    before = stack.numbers()
    (stack.directory / ".env").write_text(f"RQ_MON_QUEUES={HIGH}:1\n")

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    gone = {"reports-worker", "reports-worker-2"}
    assert stack.numbers() == {name: pid for name, pid in before.items() if name not in gone}, started.stdout


def test_without_the_list_the_two_default_queues_are_back(stack: NativeStack) -> None:
    (stack.directory / ".env").write_text("")

    assert stack.make("start-rq-mon").returncode == 0
    assert workers(stack) == {"short-running-worker", "long-running-worker"}

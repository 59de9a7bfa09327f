"""New passwords for a stack in containers: delete the files, and the next start creates new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE
from tests.harness.new_passwords import replace_passwords

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=90)]


@pytest.fixture
def stack(engine: None, project_root: Path, tmp_path: Path) -> Iterator[ComposeStack]:
    stack = ComposeStack(project_root, tmp_path)
    yield stack
    stack.remove()


def enqueue(stack: ComposeStack, queue: str) -> str:
    with connect(stack.redis_url()) as redis:
        return Queue(queue, connection=redis).enqueue("time.sleep", 0).id


def status_of(stack: ComposeStack, job_id: str) -> JobStatus | None:
    with connect(stack.redis_url()) as redis:
        return Job.fetch(job_id, connection=redis).get_status()


def test_removed_passwords_are_replaced_and_the_old_ones_are_refused(stack: ComposeStack) -> None:
    assert stack.make("start-rq-mon").returncode == 0
    waiting = enqueue(stack, "unworked")
    assert stack.make("stop-rq-mon").returncode == 0

    replace_passwords(stack)

    assert status_of(stack, waiting) is JobStatus.QUEUED
    job = enqueue(stack, SHORT_RUNNING_QUEUE)
    wait_until(lambda: status_of(stack, job) is JobStatus.FINISHED, "the job to finish", within=60)

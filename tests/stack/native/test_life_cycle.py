"""A native stack is stopped under load, backed up and restored, in the order of this file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import pytest
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import CRON_TICKS_KEY
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.services import PROMETHEUS, RQ_EXPORTER
from tests.harness import stack_jobs as jobs

pytestmark = [
    pytest.mark.e2e(seconds=25),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
    pytest.mark.usefixtures("queues_of_the_stack"),
]

JOBS = 1000


def test_a_stop_with_hundreds_of_jobs_in_flight_loses_none_and_runs_none_twice(stack: NativeStack) -> None:
    assert stack.make("start-rq-mon", SHORT_RUNNING_WORKERS="4").returncode == 0
    ledger = stack.directory / "ledger"
    ledger.touch()
    ledger.chmod(0o666)  # jobs may run as a separate user
    signed = {
        job_scheduler(jobs.sign, function_args=[str(ledger), 0.5 if number % 100 == 0 else 0.01]).id
        for number in range(JOBS)
    }
    wait_until(lambda: len(ledger.read_text().splitlines()) >= JOBS // 5, "some jobs to end", within=120)

    stopped = stack.make("stop-rq-mon")

    assert stopped.returncode == 0, stopped.stdout
    done = ledger.read_text().splitlines()
    assert JOBS // 5 <= len(done) < JOBS
    assert stack.make("start-rq-mon", SHORT_RUNNING_WORKERS="4").returncode == 0
    with connect(stack.redis_url()) as redis:

        def statuses() -> list[JobStatus | None]:
            return [job.get_status() for job in Job.fetch_many(signed, connection=redis) if job]

        everything = [JobStatus.FINISHED] * JOBS
        wait_until(lambda: statuses() == everything, "all jobs to finish", within=180, every=1)
        results = [job.results() for job in Job.fetch_many(signed, connection=redis) if job]
    assert sorted(ledger.read_text().splitlines()) == sorted(signed)
    assert [len(each) for each in results] == [1] * JOBS
    counted = 'rq_jobs_processed_total{function="tests.harness.stack_jobs.sign"}'
    wait_until(lambda: stack.sum_of(counted) == JOBS, f"{counted} to be {JOBS}", within=60, every=0.5)


UNWORKED = "unworked"


def schedule_jobs_of_every_state() -> dict[str, JobStatus]:
    """Schedule some that end, and some of a queue without workers; return the states that they reach."""
    ended = {
        job_scheduler(jobs.fail, max_retries=None).id: JobStatus.FAILED,
        job_scheduler(jobs.succeed).id: JobStatus.FINISHED,
    }
    waiting = {
        job_scheduler(jobs.succeed, queue_name=UNWORKED).id: JobStatus.QUEUED,
        job_scheduler(
            jobs.succeed, queue_name=UNWORKED, time_delta=timedelta(days=1)
        ).id: JobStatus.SCHEDULED,
    }
    return ended | waiting


def states_of(stack: NativeStack, job_ids: Iterable[str]) -> dict[str, JobStatus | None]:
    with connect(stack.redis_url()) as redis:
        found = Job.fetch_many(job_ids, connection=redis)
    return {job.id: job.get_status(refresh=False) for job in found if job}


def registered(stack: NativeStack) -> tuple[list[str], list[str], list[str]]:
    """The ids of failed, queued and scheduled jobs."""
    with connect(stack.redis_url()) as redis:
        worked, unworked = Queue(SHORT_RUNNING_QUEUE, connection=redis), Queue(UNWORKED, connection=redis)
        return (
            worked.failed_job_registry.get_job_ids(),
            unworked.get_job_ids(),
            unworked.scheduled_job_registry.get_job_ids(),
        )


def counters(stack: NativeStack) -> list[str]:
    """The exporter's counts of these tests' jobs."""
    with urlopen(f"{stack.url(RQ_EXPORTER)}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return [
        line for line in lines if 'function="tests.harness.stack_jobs.' in line and not line.startswith("#")
    ]


def ticks(stack: NativeStack) -> dict[bytes, int]:
    with connect(stack.redis_url()) as redis:
        counted = cast("dict[bytes, bytes]", redis.hgetall(CRON_TICKS_KEY))
    return {field: int(count) for field, count in counted.items()}


def test_a_backup_of_a_running_stack_is_restored_after_clean(stack: NativeStack, tmp_path: Path) -> None:
    states = schedule_jobs_of_every_state()
    wait_until(lambda: states_of(stack, states) == states, "the jobs to end")
    wait_until(lambda: any(ticks(stack).values()), "a tick of a cron job", within=90, every=0.5)
    failed = 'rq_jobs_processed_total{function="tests.harness.stack_jobs.fail"}'
    wait_until(lambda: stack.sum_of(failed) == 1, "the failure in Prometheus", within=60, every=0.5)
    moment = time.time()
    numbers, known, counted, ticked = stack.numbers(), registered(stack), counters(stack), ticks(stack)
    file = tmp_path / "backup.zip"

    backup = stack.make("backup", FILE=str(file))

    assert backup.returncode == 0, backup.stdout
    changed = {name for name, pid in stack.numbers().items() if numbers[name] != pid}
    assert changed == {PROMETHEUS.name}, "all others went on"
    refused = stack.make("restore", FILE=str(file), YES="1")
    assert refused.returncode != 0
    assert "The stack is running. Stop it before" in refused.stdout
    assert stack.make("clean", YES="1").returncode == 0
    assert not stack.state.exists()
    asked = stack.make("restore", FILE=str(file))
    assert asked.returncode != 0
    assert "Nothing was changed" in asked.stdout
    restored = stack.make("restore", FILE=str(file), YES="1")
    assert restored.returncode == 0, restored.stdout
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert states_of(stack, states) == states
    assert registered(stack) == known
    assert all(known)
    assert counters(stack) == counted != []
    now_ticked = ticks(stack)
    assert [field for field, count in ticked.items() if now_ticked.get(field, 0) < count] == []
    assert stack.sum_of(f"{failed} @ {moment:.3f}") == 1, "what Prometheus knew before the backup"


def test_a_backup_needs_data_and_a_restore_needs_a_backup(stack: NativeStack) -> None:
    assert stack.make("clean", YES="1").returncode == 0

    nothing_there = stack.make("backup")
    nothing_given = stack.make("restore")

    assert "There is no data to back up (native)" in nothing_there.stdout
    assert "FILE: expected the name of a backup" in nothing_given.stdout
    assert nothing_there.returncode != 0
    assert nothing_given.returncode != 0
    assert not (stack.directory / "backups").exists()


def test_clean_names_everything_that_it_leaves(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, processes and listeners, before and after."""
    copy = NativeStack(project_root, tmp_path_factory.mktemp("clean"))
    before = files_of(copy)
    try:
        assert copy.make("start-rq-mon").returncode == 0
        monkeypatch.setenv("RQ_REDIS_URL", copy.redis_url())
        job_scheduler(jobs.succeed)
        assert copy.make("backup").returncode == 0
        assert copy.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="2").returncode == 0
    finally:
        cleaned = copy.make("clean", YES="1")

    assert cleaned.returncode == 0, cleaned.stdout
    left = files_of(copy) - before
    assert {path.parts[0] for path in left} == {"backups", ".env"}
    assert "backups: rm -r backups\n" in cleaned.stdout
    assert "settings: rm .env\n" in cleaned.stdout
    assert "apt-get remove redis-server prometheus prometheus-alertmanager" in cleaned.stdout
    assert copy.processes() == []
    assert copy.listening_ports() == set()


def files_of(stack: NativeStack) -> set[Path]:
    """All files in its folder, without the shared packages and compiled Python."""
    paths = (path.relative_to(stack.directory) for path in stack.directory.rglob("*"))
    return {path for path in paths if not {".venv", "__pycache__"} & set(path.parts)}

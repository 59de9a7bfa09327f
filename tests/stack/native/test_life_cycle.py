"""A native stack is scaled, stopped under load, backed up and restored, in the order of this file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import psutil
import pytest
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import CRON_TICKS_KEY, QUEUE_OBJECTIVE_WAIT
from rq_mon.connection.client import connect
from rq_mon.cron.definition import CronJob
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.dotenv import set_variable
from stack.native.programs import ALERTMANAGER as ALERTMANAGER_PROGRAM
from stack.services import (
    ALERTMANAGER,
    CRON_SCHEDULER,
    LONG_RUNNING_WORKER,
    PREVIEW,
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    SHORT_RUNNING_WORKER,
)
from stack.variables import ALERT_RECEIVERS_DIR
from tests.stack.native import jobs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

WORKERS = f'rq_queue_workers{{queue="{SHORT_RUNNING_QUEUE}"}}'


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.evaluate_rules_every(seconds=2)
    started = copy.make("start-rq-mon")
    try:
        assert started.returncode == 0, started.stdout
        yield copy
    finally:
        copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


@pytest.fixture(autouse=True)
def queues_of_the_stack(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that a test schedules go to the stack, as those of an application do."""
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())


def status_of(stack: NativeStack, job: Job | CronJob) -> JobStatus | None:
    with connect(stack.redis_url()) as redis:
        return Job.fetch(job.id, connection=redis).get_status()


def workers_of(stack: NativeStack) -> dict[str, int]:
    """The process numbers of the workers of short-running, by the names of their programs."""
    return {name: pid for name, pid in stack.numbers().items() if name.startswith(SHORT_RUNNING_WORKER.name)}


def wait_until_prometheus_sees(stack: NativeStack, number: int) -> None:
    wait_until(lambda: stack.sum_of(WORKERS) == number, f"{WORKERS} to be {number}", within=60, every=0.5)


def test_workers_are_added_while_all_others_stay(stack: NativeStack) -> None:
    before = stack.numbers()

    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="4")

    assert scaled.returncode == 0, scaled.stdout
    assert len(workers_of(stack)) == 4
    assert before.items() <= stack.numbers().items()
    wait_until_prometheus_sees(stack, 4)


def test_the_number_outlives_start_and_stop(stack: NativeStack) -> None:
    before = stack.numbers()
    assert stack.make("start-rq-mon").returncode == 0
    assert stack.numbers() == before

    assert stack.make("stop-rq-mon").returncode == 0
    assert stack.make("start-rq-mon").returncode == 0

    assert len(workers_of(stack)) == 4
    assert f"{SHORT_RUNNING_WORKER.number_variable}=4" in (stack.directory / ".env").read_text()


def test_workers_are_taken_away_after_their_jobs_while_all_others_stay(stack: NativeStack) -> None:
    running = [job_scheduler(jobs.take, function_args=[5], max_retries=None) for _ in range(4)]
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


def test_a_worker_that_is_taken_away_is_not_taken_for_lost(stack: NativeStack) -> None:
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
def test_what_cannot_be_scaled_is_refused_and_changes_nothing(
    stack: NativeStack, queue: str, workers: str, message: str
) -> None:
    before = stack.numbers(), (stack.directory / ".env").read_text()

    refused = stack.make("scale", QUEUE=queue, WORKERS=workers)

    assert refused.returncode != 0
    assert message in refused.stdout
    assert (stack.numbers(), (stack.directory / ".env").read_text()) == before


def test_a_number_in_the_environment_which_comes_before_the_file_is_named(stack: NativeStack) -> None:
    refused = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3", SHORT_RUNNING_WORKERS="2")

    assert refused.returncode != 0
    assert "SHORT_RUNNING_WORKERS is set in the environment, which comes before .env" in refused.stdout


def test_the_number_in_the_file_takes_effect_with_the_next_start(stack: NativeStack) -> None:
    before = stack.numbers()
    (stack.directory / ".env").write_text(f"{SHORT_RUNNING_WORKER.number_variable}=1\n")

    assert stack.make("start-rq-mon").returncode == 0

    gone = f"{SHORT_RUNNING_WORKER.name}-2"
    assert stack.numbers() == {name: pid for name, pid in before.items() if name != gone}


WORKER_NAMES = {SHORT_RUNNING_WORKER.name, LONG_RUNNING_WORKER.name}
CRON = CRON_SCHEDULER.name


@pytest.mark.parametrize(
    ("variable", "value", "concerned"),
    [
        ("RQ_WORKER_TTL_SECONDS", "30", WORKER_NAMES),
        ("SCHEDULER_CRON_GRACE_SECONDS", "60", {CRON}),
        ("RQ_LOG_LEVEL", "DEBUG", WORKER_NAMES | {CRON, RQ_EXPORTER.name}),
        ("REDIS_MAXMEMORY", "200mb", {REDIS.name}),
        ("GRAFANA_URL", "https://grafana.example", {PROMETHEUS.name}),
    ],
)
def test_a_changed_setting_restarts_what_reads_it_and_nothing_else(
    stack: NativeStack, variable: str, value: str, concerned: set[str]
) -> None:
    before = stack.numbers()
    set_variable(stack.directory / ".env", variable, value)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert restarted_since(stack, before) == concerned


def test_receivers_restart_alertmanager_and_nothing_else(stack: NativeStack, tmp_path: Path) -> None:
    receivers = tmp_path / "receivers.yml"
    receivers.write_text((stack.directory / "prometheus" / "receivers" / "example.yml").read_text())
    before = stack.numbers()
    set_variable(stack.directory / ".env", ALERT_RECEIVERS_DIR.name, str(tmp_path))

    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, before) == {ALERTMANAGER.name}
    before = stack.numbers()
    receivers.write_text(receivers.read_text() + "# a change\n")

    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, before) == {ALERTMANAGER.name}


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("prometheus/rules/workers.yml", {PROMETHEUS.name}),
        ("prometheus/prometheus.yml", {PROMETHEUS.name}),
        ("prometheus/alertmanager.yml", {ALERTMANAGER.name}),
        ("cron_jobs.py", {*WORKER_NAMES, CRON}),
        ("rq_mon/exporter/app.py", {*WORKER_NAMES, CRON, RQ_EXPORTER.name}),
        ("grafana/preview/page.py", {PREVIEW.name}),
        ("README.md", set()),
    ],
)
def test_a_changed_file_restarts_what_reads_it_and_nothing_else(
    stack: NativeStack, file: str, concerned: set[str]
) -> None:
    before, path = stack.numbers(), stack.directory / file
    path.write_text(path.read_text() + change_of(path))

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert restarted_since(stack, before) == concerned


def change_of(path: Path) -> str:
    """What makes a difference to Prometheus, whose file is written anew from what it says."""
    if path.name != "prometheus.yml":
        return "\n# a change\n"
    return "\n  - job_name: another\n    static_configs: [{targets: ['127.0.0.1:1']}]\n"


def restarted_since(stack: NativeStack, before: dict[str, int]) -> set[str]:
    now = stack.numbers()
    assert now.keys() == before.keys()
    return {name for name, number in now.items() if before[name] != number}


def test_objectives_are_read_again_without_a_restart(stack: NativeStack) -> None:
    before = stack.numbers()
    (stack.directory / "objectives.yml").write_text("default: {wait_seconds: 15}\n")

    def objectives() -> set[str]:
        with urlopen(f"{stack.url(RQ_EXPORTER)}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split()[-1] for line in lines if line.startswith(f"{QUEUE_OBJECTIVE_WAIT.name}{{")}

    wait_until(lambda: objectives() == {"15.0"}, "the objective of every queue to be 15 s")
    assert stack.numbers() == before


def test_a_program_in_the_place_of_another_is_run_by_the_next_start_alone_and_so_is_the_way_back(
    stack: NativeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade of the package: here the programs differ in nothing but their path and time."""
    before, environment = stack.numbers(), stack.environment
    old = ALERTMANAGER_PROGRAM.path()
    new = tmp_path / Path(old).name
    shutil.copy(old, new)

    monkeypatch.setattr(stack, "environment", environment | {"PATH": f"{tmp_path}:{environment['PATH']}"})
    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, before) == {ALERTMANAGER.name}
    assert psutil.Process(stack.numbers()[ALERTMANAGER.name]).exe() == str(new)

    upgraded = stack.numbers()
    replacement = tmp_path / "replacement"
    shutil.copy(old, replacement)
    replacement.rename(new)  # as package managers do
    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, upgraded) == {ALERTMANAGER.name}

    monkeypatch.setattr(stack, "environment", environment)
    assert stack.make("start-rq-mon").returncode == 0
    assert psutil.Process(stack.numbers()[ALERTMANAGER.name]).exe() == old


def test_a_stack_that_does_not_run_is_told_its_number(stack: NativeStack) -> None:
    assert stack.make("stop-rq-mon").returncode == 0

    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3")

    assert scaled.returncode == 0
    assert "does not run. It will start with SHORT_RUNNING_WORKERS=3, from .env" in scaled.stdout
    assert stack.processes() == []


def test_a_stop_with_a_thousand_jobs_in_flight_loses_none_and_runs_none_twice(
    stack: NativeStack, tmp_path: Path
) -> None:
    assert stack.make("start-rq-mon", SHORT_RUNNING_WORKERS="4").returncode == 0
    ledger = tmp_path / "ledger"
    ledger.touch()
    signed = {
        job_scheduler(jobs.sign, function_args=[str(ledger), 0.5 if number % 100 == 0 else 0.01]).id
        for number in range(1000)
    }
    wait_until(lambda: len(ledger.read_text().splitlines()) >= 200, "200 jobs to end", within=120)

    stopped = stack.make("stop-rq-mon")

    assert stopped.returncode == 0, stopped.stdout
    done = ledger.read_text().splitlines()
    assert 200 <= len(done) < 1000
    assert stack.make("start-rq-mon", SHORT_RUNNING_WORKERS="4").returncode == 0
    with connect(stack.redis_url()) as redis:

        def statuses() -> list[JobStatus | None]:
            return [job.get_status() for job in Job.fetch_many(signed, connection=redis) if job]

        everything = [JobStatus.FINISHED] * 1000
        wait_until(lambda: statuses() == everything, "all jobs to finish", within=180, every=1)
        results = [job.results() for job in Job.fetch_many(signed, connection=redis) if job]
    assert sorted(ledger.read_text().splitlines()) == sorted(signed)
    assert [len(each) for each in results] == [1] * 1000
    counted = 'rq_jobs_processed_total{function="tests.stack.native.jobs.sign"}'
    wait_until(lambda: stack.sum_of(counted) == 1000, f"{counted} to be 1000", within=60, every=0.5)


UNWORKED = "unworked"


def schedule_jobs_of_every_state() -> dict[str, JobStatus]:
    """Some that end, and some of a queue that nobody works; return the states that they come to."""
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
    """What the exporter says of the jobs of these tests."""
    with urlopen(f"{stack.url(RQ_EXPORTER)}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return [
        line for line in lines if 'function="tests.stack.native.jobs.' in line and not line.startswith("#")
    ]


def ticks(stack: NativeStack) -> dict[bytes, int]:
    with connect(stack.redis_url()) as redis:
        counted = cast("dict[bytes, bytes]", redis.hgetall(CRON_TICKS_KEY))
    return {field: int(count) for field, count in counted.items()}


def test_what_was_backed_up_while_it_ran_is_there_after_clean_and_restore(
    stack: NativeStack, tmp_path: Path
) -> None:
    states = schedule_jobs_of_every_state()
    wait_until(lambda: states_of(stack, states) == states, "the jobs to end")
    wait_until(lambda: any(ticks(stack).values()), "a tick of a cron job", within=90, every=0.5)
    failed = 'rq_jobs_processed_total{function="tests.stack.native.jobs.fail"}'
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
    assert "The stack runs. Stop it first" in refused.stdout
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


def test_clean_leaves_nothing_that_it_does_not_name(
    project_root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after: files, processes, and what listens."""
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
    named = {line.rpartition("rm -r ")[2] for line in cleaned.stdout.splitlines() if "rm -r " in line}
    assert {path.parts[0] for path in left} == {"backups", ".env"} <= named
    assert "apt-get remove redis-server prometheus prometheus-alertmanager" in cleaned.stdout
    assert copy.processes() == []
    assert copy.listening_ports() == set()


def files_of(stack: NativeStack) -> set[Path]:
    """All that is in its folder, but for the packages that it shares and what Python compiled of the code."""
    paths = (path.relative_to(stack.directory) for path in stack.directory.rglob("*"))
    return {path for path in paths if not {".venv", "__pycache__"} & set(path.parts)}

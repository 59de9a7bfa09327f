"""What the next start restarts after a change to a native stack, in the order of this file."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import QUEUE_OBJECTIVE_WAIT
from stack.dotenv import set_variable
from stack.native.programs import ALERTMANAGER as ALERTMANAGER_PROGRAM
from stack.services import (
    ALERTMANAGER,
    CRON_SCHEDULER,
    LONG_RUNNING_WORKER,
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    RQ_MON_WEB,
    SHORT_RUNNING_WORKER,
    VIEWER,
)
from stack.variables import ALERT_RECEIVERS_DIR

pytestmark = [
    pytest.mark.e2e(seconds=8),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]


WORKER_NAMES = {SHORT_RUNNING_WORKER.name, LONG_RUNNING_WORKER.name}


CRON = CRON_SCHEDULER.name


@pytest.mark.parametrize(
    ("variable", "value", "concerned"),
    [
        ("RQ_WORKER_TTL_SECONDS", "30", WORKER_NAMES),
        ("SCHEDULER_CRON_GRACE_SECONDS", "60", {CRON}),
        ("RQ_LOG_LEVEL", "DEBUG", WORKER_NAMES | {CRON, RQ_EXPORTER.name, RQ_MON_WEB.name}),
        ("REDIS_MAXMEMORY", "200mb", {REDIS.name}),
        ("RQ_MON_WEB_URL", "https://j.example", {PROMETHEUS.name, RQ_EXPORTER.name, VIEWER.name}),
        ("GRAFANA_URL", "https://grafana.example", {PROMETHEUS.name, RQ_MON_WEB.name}),
    ],
)
def test_a_changed_setting_restarts_only_the_services_that_read_it(
    stack: NativeStack, variable: str, value: str, concerned: set[str]
) -> None:
    before = stack.numbers()
    set_variable(stack.directory / ".env", variable, value)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert restarted_since(stack, before) == concerned


def test_changed_receivers_restart_only_alertmanager(stack: NativeStack, tmp_path: Path) -> None:
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
        ("rq_mon/exporter/app.py", {*WORKER_NAMES, CRON, RQ_EXPORTER.name, RQ_MON_WEB.name}),
        ("grafana/viewer/app.py", {VIEWER.name}),
        ("README.md", set()),
    ],
)
def test_a_changed_file_restarts_only_the_services_that_read_it(
    stack: NativeStack, file: str, concerned: set[str]
) -> None:
    before, path = stack.numbers(), stack.directory / file
    path.write_text(path.read_text() + change_of(path))

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert restarted_since(stack, before) == concerned


def change_of(path: Path) -> str:
    """Changes that matter to Prometheus, whose file is generated from it."""
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
        with urlopen(f"{stack.url(RQ_EXPORTER)}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split()[-1] for line in lines if line.startswith(f"{QUEUE_OBJECTIVE_WAIT.name}{{")}

    wait_until(lambda: objectives() == {"15.0"}, "the objective of every queue to be 15 s")
    assert stack.numbers() == before


def test_the_next_start_switches_to_another_program_and_back(
    stack: NativeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade of the package: here the programs differ only in path and time."""
    before, environment = stack.numbers(), stack.environment
    old = ALERTMANAGER_PROGRAM.path()
    new = stack.directory / "newer" / Path(old).name  # accessible to whoever can access the stack's own files
    new.parent.mkdir()
    shutil.copy(old, new)

    monkeypatch.setattr(stack, "environment", environment | {"PATH": f"{new.parent}:{environment['PATH']}"})
    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, before) == {ALERTMANAGER.name}
    assert psutil.Process(stack.numbers()[ALERTMANAGER.name]).exe() == str(new)

    upgraded = stack.numbers()
    replacement = new.with_name("replacement")
    shutil.copy(old, replacement)
    replacement.rename(new)  # as package managers do
    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, upgraded) == {ALERTMANAGER.name}

    monkeypatch.setattr(stack, "environment", environment)
    assert stack.make("start-rq-mon").returncode == 0
    assert psutil.Process(stack.numbers()[ALERTMANAGER.name]).exe() == old


def test_an_error_is_refused_and_running_services_stay(stack: NativeStack) -> None:
    before, file = stack.numbers(), stack.directory / "prometheus/rules/workers.yml"
    text = file.read_text()
    set_variable(stack.directory / ".env", "RQ_WORKER_TTL_SECONDS", "33")
    file.write_text(text.replace("expr: ", "expr: ) ", 1))

    refused = stack.make("start-rq-mon")
    restarted = stack.make("restart", SERVICE=PROMETHEUS.name)
    file.write_text(text)

    assert refused.returncode != 0
    assert "prometheus/rules/workers.yml" in refused.stdout
    assert restarted.returncode != 0
    assert stack.numbers() == before, "neither Prometheus nor the workers, whose setting has changed"
    assert stack.make("start-rq-mon").returncode == 0
    assert restarted_since(stack, before) == WORKER_NAMES


FOR_A_WHILE = {
    "SCHEDULER_TIMEZONE": "Asia/Tokyo",
    "RQ_LOG_LEVEL": "WARNING",
    "RQ_RESULT_TTL_SECONDS": "77",
    "RQ_MON_WEB_CHANGES": "no",
    "GRAFANA_URL": "https://for-a-while.example",
    "NO_SETTING_AT_ALL": "a value",
}


def names_in_processes(stack: NativeStack) -> set[str]:
    """Which of these settings a process has, including supervisord and Redis."""
    values = {(name, value) for process in stack.processes() for name, value in process.environ().items()}
    return {name for name, value in values if FOR_A_WHILE.get(name) == value}


def test_a_removed_setting_is_gone_from_every_process(stack: NativeStack) -> None:
    """Also from supervisord's own environment, whether set in the file or on the command line."""
    dotenv = stack.directory / ".env"
    before = dotenv.read_text() if dotenv.exists() else ""
    assert stack.make("stop-rq-mon").returncode == 0
    dotenv.write_text(before + "".join(f"{name}={value}\n" for name, value in FOR_A_WHILE.items()))
    assert stack.make("start-rq-mon", RQ_FAILURE_TTL_SECONDS="4321").returncode == 0
    assert names_in_processes(stack) == FOR_A_WHILE.keys() - {"NO_SETTING_AT_ALL"}
    dotenv.write_text(before)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert names_in_processes(stack) == set()
    assert {process.environ().get("RQ_FAILURE_TTL_SECONDS") for process in stack.processes()} == {None}


def test_one_service_can_be_stopped_and_an_unknown_one_is_refused(stack: NativeStack) -> None:
    before = stack.numbers()

    refused = stack.make("stop-rq-mon", SERVICE="prometeus")
    assert refused.returncode != 0
    assert "got 'prometeus'; did you mean prometheus?" in refused.stdout
    assert stack.numbers() == before

    stopped = stack.make("stop-rq-mon", SERVICE=CRON)
    assert stopped.returncode == 0, stopped.stdout
    assert stack.numbers() == {name: number for name, number in before.items() if name != CRON}
    assert stack.make("start-rq-mon").returncode == 0
    assert stack.numbers().keys() == before.keys()

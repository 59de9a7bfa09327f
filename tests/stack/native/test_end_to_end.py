"""The life of a native stack, from the first start to the last stop, in the order of this file."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus

from proofs.harness.browser import DashboardView, open_browser
from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from scheduler import LONG_RUNNING_QUEUE, job_scheduler
from stack.secrets import WEB_PASSWORD, WEB_USER
from stack.services import (
    ALERTMANAGER,
    PROMETHEUS,
    REDIS_EXPORTER,
    RQ_EXPORTER,
    RQ_MON_WEB,
    SERVICES,
    SHORT_RUNNING_WORKER,
    VIEWER,
)
from stack.settings import PROJECT_ROOT
from tests.harness import stack_jobs as jobs
from tests.harness.surface import secrets_of
from tests.harness.web import Operator

pytestmark = [
    pytest.mark.e2e(seconds=12),
    # Chromium for one test only; the first test starts the stack for all.
    pytest.mark.needs(
        *("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter", "chromium")
    ),
    pytest.mark.usefixtures("queues_of_the_stack"),
]


LATER_START_WITHIN = 120.0
"""Seconds: it takes about ten on an idle machine."""


EVERY_TWO_SECONDS = "* * * * * */2"


DASHBOARDS = sorted(path.stem for path in (PROJECT_ROOT / "grafana" / "generated").glob("*.json"))


RIGHTLY_EMPTY = {
    ("rq-overview", "Active alerts"): "only after a while do the failed jobs use up an error budget",
    ("rq-durations", "Uninstrumented workers"): "its workers count their jobs",
    ("rq-failures", "Uninstrumented workers"): "its workers count their jobs",
    ("rq-failures", "Operator actions"): "no one has changed anything",
    ("rq-stack-health", "Exporter errors"): "nor with its exporter",
    ("rq-stack-health", "Notifications"): "no notifications, as long as no receivers are set",
}
"""Panels that may be empty in a healthy stack, with the reason; test_every_query.py sees them with data."""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.environment |= {"RQ_MON_VERSION": "1.4.2"}  # the copy is no git checkout
    copy.evaluate_rules_every(seconds=2)
    yield copy
    copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


def status_of(stack: NativeStack, job_id: str) -> JobStatus | None:
    with connect(stack.redis_url()) as redis:
        return Job.fetch(job_id, connection=redis).get_status()


def is_running(stack: NativeStack, job_id: str) -> bool:
    return status_of(stack, job_id) is JobStatus.STARTED


def test_a_port_in_use_is_named_and_nothing_is_started(stack: NativeStack) -> None:
    port = stack.settings.port(ALERTMANAGER)
    with socket.create_server(("127.0.0.1", port)):
        result = stack.make("start-rq-mon")

    assert result.returncode != 0
    assert (
        f"{port} for alertmanager: in use by {psutil.Process().name()} (process {os.getpid()})"
        in result.stdout
    )
    assert "ALERTMANAGER_PORT" in result.stdout
    assert stack.processes() == []


def test_start_returns_when_everything_is_healthy_and_shows_it(stack: NativeStack) -> None:
    result = stack.make("start-rq-mon")

    assert result.returncode == 0, result.stdout
    running = [service for service in SERVICES if service.name in stack.numbers()]
    for service in running:
        assert f"{service.name} " in result.stdout
        assert (stack.settings.url(service) or "") in result.stdout
    assert result.stdout.count(" healthy ") == len(running) >= 9
    assert stack.make("status").returncode == 0


def schedule_jobs_of_every_kind() -> None:
    job_scheduler(jobs.succeed)
    job_scheduler(jobs.succeed, time_delta=timedelta(seconds=1))
    job_scheduler(jobs.take, function_args=[0.5], queue_name=LONG_RUNNING_QUEUE)
    job_scheduler(jobs.take, function_args=[30], job_timeout=1, max_retries=None)
    job_scheduler(jobs.fail, max_retries=None)
    job_scheduler(jobs.succeed_at_second_try, max_retries=1)


EXPECTED_OF_EACH_ROUND = [
    ("succeed", {"queue": "short-running", "outcome": "success"}, 2),
    ("take", {"queue": "long-running", "outcome": "success"}, 1),
    ("take", {"queue": "short-running", "outcome": "failed"}, 1),
    ("fail", {"queue": "short-running", "outcome": "failed"}, 1),
    ("succeed_at_second_try", {"queue": "short-running", "outcome": "retried"}, 1),
    ("succeed_at_second_try", {"queue": "short-running", "outcome": "success"}, 1),
]


def wait_until_counted(stack: NativeStack, rounds: int) -> None:
    def is_counted(function: str, labels: dict[str, str], count: int) -> bool:
        matchers = {"function": f"tests.harness.stack_jobs.{function}", **labels}
        selector = ",".join(f'{name}="{value}"' for name, value in matchers.items())
        return stack.sum_of(f"rq_jobs_processed_total{{{selector}}}") == count * rounds

    for function, labels, count in EXPECTED_OF_EACH_ROUND:
        what = f"{count} x {rounds} {function} {labels}"
        wait_until(partial(is_counted, function, labels, count), what, every=0.5)


def test_jobs_of_every_kind_are_counted_in_prometheus(stack: NativeStack) -> None:
    schedule_jobs_of_every_kind()
    job_scheduler(jobs.succeed, queue_name=LONG_RUNNING_QUEUE, cron=EVERY_TWO_SECONDS)

    wait_until_counted(stack, rounds=1)
    wait_until(
        lambda: stack.sum_of('rq_cron_ticks_total{result="enqueued"}') >= 2, "two cron ticks", every=0.5
    )
    wait_until(lambda: stack.sum_of("rq_job_duration_seconds_count") >= 6, "durations", every=0.5)


def test_every_scrape_target_is_up(stack: NativeStack) -> None:
    expected = {each.name: "up" for each in (RQ_EXPORTER, REDIS_EXPORTER, PROMETHEUS, ALERTMANAGER)}

    wait_until(lambda: stack.targets() == expected, f"targets {expected}")


def wait_until_recorded(stack: NativeStack) -> None:
    for _ in range(2):  # some rules read what others recorded
        wait_until(partial(stack.rules_evaluated_since, datetime.now(UTC)), "the recording rules", every=0.5)


def undrawn_panels(uid: str, view: DashboardView) -> dict[tuple[str, str], str]:
    return {(uid, panel.title): panel.text for panel in view.panels if panel.state != "data"}


def is_drawn(uid: str, view: DashboardView) -> bool:
    """Return whether every panel shows data. If not, reload the page."""
    if undrawn_panels(uid, view).keys() <= RIGHTLY_EMPTY.keys():
        return True
    view.reload(within=180)
    return False


def test_every_panel_of_every_dashboard_draws_data(stack: NativeStack) -> None:
    # A rate needs an earlier value: the recording rules must have read one before these jobs.
    wait_until_recorded(stack)
    schedule_jobs_of_every_kind()
    running = job_scheduler(jobs.take, function_args=[600], job_timeout=600, queue_name=LONG_RUNNING_QUEUE)
    wait_until_counted(stack, rounds=2)
    undrawn: dict[tuple[str, str], str] = {}
    errors: dict[str, list[str]] = {}
    with open_browser() as browser:
        view = DashboardView(browser.new_page(), stack.url(VIEWER))  # it compiles the viewer's code once
        for uid in DASHBOARDS:
            view.console_errors.clear()
            view.go(uid, {"from": "now-5m", "to": "now"}, within=180)
            with contextlib.suppress(AssertionError):  # undrawn panels are reported below
                wait_until(partial(is_drawn, uid, view), "data", every=0.5)
            undrawn |= undrawn_panels(uid, view)
            errors |= {uid: [*view.console_errors]} if view.console_errors else {}

    with connect(stack.redis_url()) as redis:
        send_stop_job_command(redis, running.id)
    assert undrawn.keys() <= RIGHTLY_EMPTY.keys(), undrawn
    assert errors == {}


def test_logs_are_followed_until_interrupted(stack: NativeStack, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    command = ["make", "logs", "SERVICE=redis"]
    with (
        shown.open("w") as output,
        subprocess.Popen(
            command, cwd=stack.directory, env=stack.environment, stdout=output, start_new_session=True
        ) as process,
    ):
        try:
            wait_until(lambda: "Ready to accept connections" in shown.read_text(), "the log of Redis")
            assert process.poll() is None
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended, as it should
                os.killpg(process.pid, signal.SIGKILL)


def test_logs_leave_no_process_behind_when_killed(stack: NativeStack, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    command = [str(stack.directory / ".venv/bin/python"), "-m", "stack", "logs", "redis"]
    with (
        shown.open("w") as output,
        subprocess.Popen(command, cwd=stack.directory, env=stack.environment, stdout=output) as process,
    ):
        wait_until(lambda: "Ready to accept connections" in shown.read_text(), "the log of Redis")
        (tail,) = psutil.Process(process.pid).children()
        process.terminate()
        process.wait(timeout=60)

    wait_until(lambda: not tail.is_running(), "tail to end")


def test_starting_twice_changes_nothing(stack: NativeStack) -> None:
    before = stack.numbers()

    result = stack.make("start-rq-mon")

    assert result.returncode == 0, result.stdout
    assert stack.numbers() == before


def test_a_changed_setting_restarts_only_its_service(stack: NativeStack) -> None:
    before = stack.numbers()

    result = stack.make("start-rq-mon", PROMETHEUS_RETENTION_TIME="7d")

    assert result.returncode == 0, result.stdout
    after = stack.numbers()
    assert {name for name in before if before[name] != after[name]} == {PROMETHEUS.name}
    assert "--storage.tsdb.retention.time=7d" in psutil.Process(after[PROMETHEUS.name]).cmdline()


def test_a_service_that_dies_is_restarted(stack: NativeStack) -> None:
    name = SHORT_RUNNING_WORKER.name
    before = stack.numbers()[name]

    os.kill(before, signal.SIGKILL)

    wait_until(lambda: stack.numbers().get(name, before) != before, "another worker")
    wait_until(lambda: stack.make("status").returncode == 0, "its health")


def test_the_next_start_ends_processes_of_a_killed_supervisord_after_their_jobs(stack: NativeStack) -> None:
    job = job_scheduler(jobs.take, function_args=[4], max_retries=None)
    wait_until(lambda: is_running(stack, job.id), "the job to run")
    before = stack.numbers()
    os.kill(before["supervisord"], signal.SIGKILL)
    seen = stack.make("status")
    assert seen.returncode != 0
    assert "supervisord does not answer: make start-rq-mon" in seen.stdout

    result = stack.make("start-rq-mon")

    assert result.returncode == 0, result.stdout
    assert not set(before.values()) & set(stack.numbers().values())
    assert status_of(stack, job.id) is JobStatus.FINISHED


def test_stop_waits_for_the_running_job_and_leaves_no_process_and_no_port(stack: NativeStack) -> None:
    job = job_scheduler(jobs.take, function_args=[25], queue_name=LONG_RUNNING_QUEUE, max_retries=None)
    wait_until(lambda: is_running(stack, job.id), "the job to run")

    result = stack.make("stop-rq-mon")

    assert result.returncode == 0, result.stdout
    assert re.search(r"Still running: .*\blong-running-worker\b.*\. Waiting at most 190 s", result.stdout)
    assert stack.processes() == []
    assert stack.listening_ports() == set()

    started = time.monotonic()
    assert stack.make("start-rq-mon").returncode == 0
    assert time.monotonic() - started < LATER_START_WITHIN
    assert status_of(stack, job.id) is JobStatus.FINISHED
    assert stack.sum_of('last_over_time(rq_jobs_processed_total{outcome="failed"}[10m])') >= 2, (
        "metrics are kept"
    )


def test_the_job_pages_run_from_the_first_start_on(stack: NativeStack) -> None:
    started = stack.make("start-rq-mon", WITH="rq-dashboard")

    assert started.returncode == 0, started.stdout
    job = job_scheduler(jobs.succeed, max_retries=None)
    assert "the job pages replace rq-dashboard" in started.stdout
    assert f"Job pages: user {WEB_USER}, password in " in started.stdout
    assert f"{stack.url(RQ_MON_WEB)}/" in started.stdout
    operator = Operator(stack.url(RQ_MON_WEB))
    assert operator.log_in(secrets_of(stack)[WEB_PASSWORD]).status_code == 200
    assert job.id in operator.get("/job", id=job.id)
    assert "short-running" in operator.get("/workers")
    assert "1 job is enqueued" in operator.press(
        operator.press(operator.get("/cron"), "/cron/run/confirm"), "/cron/run"
    )


def test_a_service_that_does_not_become_healthy_is_named_with_its_log(stack: NativeStack) -> None:
    script = stack.directory / "cron-scheduler.py"
    before = script.read_text()
    script.write_text("raise RuntimeError('this scheduler is broken')\n")

    result = stack.make("start-rq-mon")
    script.write_text(before)

    assert result.returncode != 0
    assert "cron-scheduler        failed" in result.stdout
    assert "RuntimeError: this scheduler is broken" in result.stdout
    assert "prometheus            healthy" in result.stdout


def test_stop_ends_all_processes_left_by_crashes_including_those_of_dead_workers(
    stack: NativeStack,
) -> None:
    job = job_scheduler(jobs.take, function_args=[60], max_retries=None)
    wait_until(lambda: is_running(stack, job.id), "the job to run")
    numbers = stack.numbers()
    for name in ("supervisord", SHORT_RUNNING_WORKER.name):
        os.kill(numbers[name], signal.SIGKILL)
    assert len(stack.processes()) >= 9

    result = stack.make("stop-rq-mon", STOP_GRACE_SECONDS="10")

    assert result.returncode == 0, result.stdout
    assert stack.processes() == []
    assert stack.listening_ports() == set()


def test_clean_removes_the_data_only_after_confirmation(stack: NativeStack) -> None:
    refused = stack.make("clean")
    assert refused.returncode != 0
    assert str(stack.state) in refused.stdout
    assert "YES=1" in refused.stdout
    assert stack.state.exists()

    assert stack.make("clean", YES="1").returncode == 0
    assert not stack.state.exists()


def test_only_files_that_git_ignores_were_written(stack: NativeStack) -> None:
    assert stack.new_files() == set()

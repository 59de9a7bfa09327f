"""A supervisord that does not answer says nothing about its programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from stack.native.commands import Command
from stack.native.processes import end_all, processes_of, program_names_of
from stack.native.runtime import NativeRuntime
from stack.native.supervisor import Supervisor
from stack.native.supervisor_config import LOG_LIMIT, log_path, render, supervisor_socket
from stack.runtime import Health, StackError
from stack.services import REDIS, SHORT_RUNNING_WORKER
from stack.settings import load_settings
from stack.variables import STOP_GRACE

pytestmark = pytest.mark.slow

# Keeps supervisord from answering, longer than any client waits for one answer, while its job ends.
FREEZES_SUPERVISORD = "kill -STOP $PPID; sleep 6; kill -CONT $PPID; sleep 2; touch job-ended"
FREEZES_SUPERVISORD_FOR_EVER = "kill -STOP $PPID; touch job-ended"
WORKER = """
trap '{}; exit' TERM
touch worker-ready
while true; do sleep 0.1; done
"""
REDIS_SCRIPT = """
trap 'test -e job-ended && touch redis-was-last; exit' TERM
touch redis-ready
while true; do sleep 0.1; done
"""


RENAMED = """
import setproctitle, time, pathlib
setproctitle.setproctitle("a name much longer than the arguments with which the process was started" * 9)
pathlib.Path("renamed").touch()
time.sleep(600)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """The state directory of a stack, removed after the test."""
    yield tmp_path
    end_all(tmp_path, grace=0)


def runtime(directory: Path, grace: int = 30) -> NativeRuntime:
    return NativeRuntime(load_settings({STOP_GRACE.name: str(grace)}, directory / ".env"), directory)


def start(supervisor: Supervisor, at_the_end_of_the_job: str) -> None:
    """Start supervisord with two programs, and wait until both run."""
    directory = supervisor.directory
    (directory / "logs").mkdir()
    programs = {REDIS: REDIS_SCRIPT, SHORT_RUNNING_WORKER: WORKER.format(at_the_end_of_the_job)}
    commands = {
        service: Command(("env", "-C", str(directory), "sh", str(_script(directory, service.name, text))))
        for service, text in programs.items()
    }
    supervisor.config_path.write_text(render(directory, commands))
    supervisor.start(os.environ)
    for name in ("redis-ready", "worker-ready"):
        wait_until((directory / name).exists, name)


def _script(directory: Path, name: str, text: str) -> Path:
    path = directory / f"{name}.sh"
    path.write_text(text)
    return path


def test_without_supervisord_the_state_of_programs_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="supervisord does not answer"):
        Supervisor(tmp_path).processes()


def test_services_count_as_stopped_if_supervisord_does_not_answer_and_left_no_process(tmp_path: Path) -> None:
    assert {state.health for state in runtime(tmp_path).states().values()} == {Health.STOPPED}


def test_redis_ends_after_the_jobs_even_if_supervisord_does_not_answer_for_a_while(directory: Path) -> None:
    native = runtime(directory)
    start(native.supervisor, FREEZES_SUPERVISORD)

    native.stop()

    assert (directory / "redis-was-last").exists()
    assert processes_of(directory) == []


def test_stop_ends_everything_even_if_supervisord_never_answers_again(directory: Path) -> None:
    native = runtime(directory, grace=1)
    start(native.supervisor, FREEZES_SUPERVISORD_FOR_EVER)

    native.stop()

    assert (directory / "redis-was-last").exists()
    assert processes_of(directory) == []


def test_a_start_after_a_kill_does_not_wait_for_the_socket_that_was_left(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """supervisord waits for 0.3 s if it finds one, and says so."""
    supervisor = Supervisor(directory)
    start(supervisor, at_the_end_of_the_job="true")
    end_all(directory, grace=0)
    assert supervisor_socket(directory).exists()
    run, printed = subprocess.run, []

    def keep_output(*args: Any, **options: Any) -> Any:
        result = run(*args, **options)
        printed.append(result.stdout + result.stderr)
        return result

    monkeypatch.setattr(subprocess, "run", keep_output)
    supervisor.start(os.environ)

    assert supervisor.is_running()
    assert printed == [""]


PRINTS_MORE_THAN_THE_LIMIT = f"""
yes 'a line of the log' | head -c {2 * LOG_LIMIT}
touch redis-ready
while true; do sleep 0.1; done
"""


def test_a_growing_log_is_rotated_and_stays_within_its_limit(directory: Path) -> None:
    supervisor = Supervisor(directory)
    (directory / "logs").mkdir()
    script = _script(directory, REDIS.name, PRINTS_MORE_THAN_THE_LIMIT)
    command = Command(("env", "-C", str(directory), "sh", str(script)))
    supervisor.config_path.write_text(render(directory, {REDIS: command}))

    supervisor.start(os.environ)

    wait_until((directory / "redis-ready").exists, "all of it to be printed", within=120)
    logs = list((directory / "logs").glob(f"{REDIS.name}.log*"))
    assert log_path(directory, REDIS.name) in logs
    assert LOG_LIMIT / 2 < sum(log.stat().st_size for log in logs) <= LOG_LIMIT * 1.05


def test_a_change_ends_redis_after_the_jobs_that_need_it(directory: Path) -> None:
    supervisor = Supervisor(directory)
    start(supervisor, at_the_end_of_the_job="sleep 1; touch job-ended")
    changed = {service: Command(("sleep", "600")) for service in (REDIS, SHORT_RUNNING_WORKER)}
    supervisor.config_path.write_text(render(directory, changed))

    supervisor.update(within=30)

    assert (directory / "redis-was-last").exists()


@pytest.mark.e2e(seconds=10)
def test_a_service_that_changes_its_process_title_is_still_found(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packages = tmp_path_factory.mktemp("packages")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "--target", packages, "setproctitle==1.3.8"], check=True)
    supervisor = Supervisor(directory)
    (directory / "logs").mkdir()
    renamed = ("env", "-C", str(directory), sys.executable, str(_script(directory, "renamed", RENAMED)))
    commands = {SHORT_RUNNING_WORKER: Command(renamed, {"PYTHONPATH": str(packages)})}
    supervisor.config_path.write_text(render(directory, commands))

    supervisor.start(os.environ)

    wait_until((directory / "renamed").exists, "the service to rename itself")
    assert program_names_of(directory) == {SHORT_RUNNING_WORKER.name}

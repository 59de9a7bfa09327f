"""The state of a container, from the engine's output."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from stack.compose.containers import is_broken, mounted_files_changed, state_of
from stack.runtime import Health, State, worst_state


def container(
    status: str, restarts: int = 0, exit_code: int = 0, error: str = "", **more: Any
) -> dict[str, Any]:
    state = {"Status": status, "ExitCode": exit_code, "Error": error, **more}
    return {"State": state, "RestartCount": restarts}


def test_a_container_without_a_health_check_is_healthy_while_it_runs() -> None:
    assert state_of(container("running")) == State(Health.HEALTHY)


def test_a_container_whose_health_check_has_not_answered_is_starting() -> None:
    assert state_of(container("running", Health={"Status": "starting", "Log": []})).health is Health.STARTING


def test_a_start_restarts_unhealthy_and_paused_containers_only() -> None:
    unhealthy = {"Status": "unhealthy", "Log": [{"Output": "no answer"}]}

    assert is_broken(container("running", Health=unhealthy))
    assert is_broken(container("paused"))
    assert not is_broken(container("running", Health={"Status": "healthy", "Log": []}))
    assert not is_broken(container("running"))
    assert not is_broken(container("running", restarts=9, Health={"Status": "starting", "Log": []}))
    assert not is_broken(container("exited", exit_code=1, Health=unhealthy))


def test_an_unhealthy_container_shows_its_last_check() -> None:
    log = [{"Output": "first"}, {"Output": "Traceback …\nno live worker listens to short-running\n"}]

    state = state_of(container("running", Health={"Status": "unhealthy", "Log": log}))

    assert state == State(Health.FAILED, "no live worker listens to short-running")


def test_a_container_that_ended_once_is_starting_again() -> None:
    assert state_of(container("restarting", restarts=1, exit_code=137)).health is Health.STARTING


@pytest.mark.parametrize("status", ["restarting", "running"])
def test_a_container_that_keeps_ending_has_failed_even_while_it_runs_briefly(status: str) -> None:
    state = state_of(container(status, restarts=5, Health={"Status": "starting", "Log": []}))

    assert state == State(Health.FAILED, "restarted 5 times, does not stay up")


def test_a_container_that_was_restarted_often_and_works_again_is_healthy() -> None:
    assert state_of(container("running", restarts=5, Health={"Status": "healthy"})).health is Health.HEALTHY


def test_a_container_that_could_not_start_shows_the_reason() -> None:
    state = state_of(container("created", exit_code=128, error="port is already allocated"))

    assert state == State(Health.FAILED, "port is already allocated")


def test_a_container_that_was_stopped_has_not_failed() -> None:
    assert state_of(container("exited", exit_code=0)) == State(Health.STOPPED)


def test_a_service_has_the_state_of_its_worst_container() -> None:
    states = [State(Health.HEALTHY), State(Health.FAILED, "why"), State(Health.STARTING)]

    assert worst_state(states) == State(Health.FAILED, "why")


def test_a_service_without_a_container_is_stopped() -> None:
    assert worst_state([]) == State(Health.STOPPED)


@pytest.mark.parametrize(("seconds", "changed"), [(-60, False), (60, True)])
def test_a_container_is_outdated_once_a_file_below_a_mounted_folder_is_newer(
    tmp_path: Path, seconds: int, changed: bool
) -> None:
    file = tmp_path / "rules" / "jobs.yml"
    file.parent.mkdir()
    file.touch()
    started = datetime.fromtimestamp(file.stat().st_ctime - seconds, UTC)
    state = {"Running": True, "StartedAt": started.isoformat()}
    mounts = [{"Type": "bind", "Source": str(tmp_path)}, {"Type": "volume", "Source": "/nowhere"}]

    assert mounted_files_changed({"State": state, "Mounts": mounts}) is changed


def test_a_container_is_outdated_if_an_older_file_replaces_a_newer_one(tmp_path: Path) -> None:
    file, backup = tmp_path / "objectives.yml", tmp_path / "objectives.yml.backup"
    backup.touch()
    os.utime(backup, (0, 0))
    started = datetime.now(UTC)
    wait_until(lambda: time.time() > started.timestamp() + 0.1, "a moment to pass")
    backup.rename(file)
    state = {"Running": True, "StartedAt": started.isoformat()}

    assert mounted_files_changed({"State": state, "Mounts": [{"Type": "bind", "Source": str(file)}]})


def test_a_container_is_not_outdated_by_mounted_files_that_are_missing_here(tmp_path: Path) -> None:
    """They are on the machine of a remote engine, or they are dangling links."""
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    state = {"Running": True, "StartedAt": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    sources = (tmp_path, tmp_path / "nothing")
    mounts = [{"Type": "bind", "Source": str(source)} for source in sources]

    assert not mounted_files_changed({"State": state, "Mounts": mounts})

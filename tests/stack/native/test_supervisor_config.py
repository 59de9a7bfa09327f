"""supervisord reads supervisord.conf as intended."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from stack.native.commands import Command
from stack.native.supervisor_config import LOG_LIMIT, render
from stack.queues import worker_of
from stack.runtime import StackError
from stack.services import PROMETHEUS, REDIS, SHORT_RUNNING_WORKER, Service

ODD = "100% of 'it', a=b; \\ %(here)s#1"


def read_back(directory: Path, commands: Mapping[Service, Command]) -> list[Any]:
    """The programs as supervisord reads them from the rendered file."""
    options = read_options(directory, commands)
    return [program for group in options.process_group_configs for program in group.process_configs]


def read_options(directory: Path, commands: Mapping[Service, Command]) -> Any:
    """The settings as supervisord reads them from the rendered file."""
    (directory / "logs").mkdir(exist_ok=True)
    path = directory / "supervisord.conf"
    path.write_text(render(directory, commands))
    options = ServerOptions()
    options.realize(["-c", str(path)])
    return options


def test_arguments_and_variables_arrive_unchanged(tmp_path: Path) -> None:
    command = Command(
        ("/bin/echo", "two words", ODD), {"ODD": ODD, "EMPTY": "", "URL": "redis://:p%25@h:1/0"}
    )

    (program,) = read_back(tmp_path, {REDIS: command})

    assert tuple(shlex.split(program.command)) == command.arguments
    assert dict(command.environment).items() <= program.environment.items()


def test_no_program_overwrites_the_environment_that_marks_it(tmp_path: Path) -> None:
    programs = read_back(tmp_path, {REDIS: Command(("/bin/true",)), PROMETHEUS: Command(("/bin/true",))})

    assert [program.environment["SPT_NOENV"] for program in programs] == ["1", "1"]


@pytest.mark.parametrize("value", ["a\nb", "a ;b", "a #b", 'a"b'])
def test_a_setting_that_would_be_cut_off_is_refused_without_showing_it(tmp_path: Path, value: str) -> None:
    with pytest.raises(StackError, match="PASSWORD: expected a value without") as error:
        render(tmp_path, {REDIS: Command(("/bin/true",), {"PASSWORD": value})})

    assert value not in str(error.value)


def test_a_path_that_would_be_cut_off_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"project #1.*: expected paths and settings without"):
        render(tmp_path / "project #1", {})


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="too long for a Unix socket; move the project to a shorter path"):
        render(tmp_path / ("x" * 100), {})


def test_programs_are_restarted_have_time_to_end_and_are_killed_with_their_children(tmp_path: Path) -> None:
    commands = {
        REDIS: Command(("/bin/true",), stop_within=7),
        PROMETHEUS: Command(("/bin/true",), stop_within=7),
    }

    first, second = sorted(read_back(tmp_path, commands), key=lambda program: program.priority)

    assert (first.name, second.name) == ("redis", "prometheus")
    for program in (first, second):
        assert program.autorestart
        assert program.startretries > 10_000
        assert program.stopwaitsecs == 7
        assert program.killasgroup


def test_logs_are_rotated(tmp_path: Path) -> None:
    (program,) = read_back(tmp_path, {REDIS: Command(("/bin/true",))})

    assert program.stdout_logfile == str(tmp_path / "logs" / "redis.log")
    assert program.redirect_stderr
    assert 0 < program.stdout_logfile_maxbytes * (program.stdout_logfile_backups + 1) <= LOG_LIMIT


def test_supervisords_own_log_is_rotated(tmp_path: Path) -> None:
    options = read_options(tmp_path, {})

    assert options.logfile == str(tmp_path / "logs" / "supervisord.log")
    assert 0 < options.logfile_maxbytes * (options.logfile_backups + 1) <= LOG_LIMIT


def test_a_section_changes_only_with_the_files_that_its_program_reads(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    (sources / "inner").mkdir(parents=True)
    file = sources / "inner" / "settings.py"
    file.write_text("1")
    command = Command(("/bin/true",), sources=(sources,))

    before = render(tmp_path, {REDIS: command})
    (sources / "settings.cpython-311.pyc").write_text("compiled")
    (tmp_path / "beside").write_text("2")
    assert render(tmp_path, {REDIS: command}) == before

    file.write_text("2")
    assert render(tmp_path, {REDIS: command}) != before


def test_a_section_changes_with_the_programs_file_as_after_an_upgrade(tmp_path: Path) -> None:
    program, other = tmp_path / "program", tmp_path / "other"
    for file in (program, other):
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    os.utime(other, (0, 0))
    command = Command(("sh", "-c", str(program)))
    before = render(tmp_path, {REDIS: command})
    assert render(tmp_path, {REDIS: command}) == before

    other.rename(program)

    assert render(tmp_path, {REDIS: command}) != before


def test_each_worker_is_a_program_with_its_own_log(tmp_path: Path) -> None:
    one, three = (Command(("/bin/true",), number=number) for number in (1, 3))

    before = {program.name: program for program in read_back(tmp_path, {SHORT_RUNNING_WORKER: one})}
    after = {program.name: program for program in read_back(tmp_path, {SHORT_RUNNING_WORKER: three})}

    assert before.keys() == {"short-running-worker"}
    assert after.keys() == {"short-running-worker", "short-running-worker-2", "short-running-worker-3"}
    assert len({program.stdout_logfile for program in after.values()}) == 3
    first = after["short-running-worker"]
    assert (first.command, first.environment) == (
        before["short-running-worker"].command,
        before["short-running-worker"].environment,
    )


def test_a_section_does_not_change_when_other_programs_come_and_go(tmp_path: Path) -> None:
    """supervisord restarts every program whose section differs."""
    run = Command(("/bin/true",))

    (alone,) = read_back(tmp_path, {PROMETHEUS: run})
    *others, last = read_back(
        tmp_path, {REDIS: run, worker_of("mail"): run, worker_of("reports"): run, PROMETHEUS: run}
    )

    assert last.priority == alone.priority
    assert others[0].priority < others[1].priority == others[2].priority < last.priority

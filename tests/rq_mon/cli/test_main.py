"""Common to all commands: help, errors, exit codes, and how to start them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from redis import Redis

from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.ports import free_port
from rq_mon.cli.main import COMMANDS, main, rqmon
from tests.rq_mon.cli.conftest import Rqmon

CONTEXT = click.Context(rqmon)


def command_of(group: click.Group, name: str) -> click.Command:
    command = group.get_command(CONTEXT, name)
    assert command is not None
    return command


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(CONTEXT):
        command = command_of(group, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


WITH_REDIS = [
    ["status"],
    ["failed"],
    ["requeue", "--all"],
    ["empty", "mail"],
    ["pause", "--yes"],
    ["cron", "list"],
    ["health"],
    ["prune"],
]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_the_first_sentence_of_each_help(name: str) -> None:
    text = " ".join((command_of(rqmon, name).help or "").split())

    assert text == COMMANDS[name] or text.startswith(f"{COMMANDS[name]} ")
    assert COMMANDS[name].endswith(".")
    assert ". " not in COMMANDS[name]


@pytest.mark.parametrize(
    ("arguments", "needed", "needless"),
    [
        (["--help"], {"rq_mon.settings"}, {"redis", "rq", "rich", "croniter", "rq_mon.state"}),
        (["no-such"], {"click"}, {"redis", "rq", "rich", "croniter", "rq_mon.state"}),
        (
            ["status"],
            {"rq_mon.state.queues"},
            {"rich", "croniter", "rq_mon.cron", "rq_mon.worker", "rq_mon.jobs", "rq_mon.export"},
        ),
        (["status", "--json"], {"rq_mon.state.queues"}, {"rich", "croniter", "rq_mon.jobs"}),
        (["cron", "list"], {"croniter"}, {"rq_mon.worker", "rq_mon.jobs", "rq_mon.export"}),
        (["export", "rules", "--help"], {"rq_mon.export.rules"}, {"redis", "rq", "rich", "croniter"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_command_imports_only_what_it_needs(
    redis_client: Redis, arguments: list[str], needed: set[str], needless: set[str], project_root: Path
) -> None:
    call = f"import sys; from rq_mon.cli.main import main; main({arguments!r})"
    program = f"{call}; print(*sys.modules, file=sys.stderr)"

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=True
    )

    loaded = set(ran.stderr.splitlines()[-1].split())
    assert needed <= loaded
    assert [name for name in loaded if any(f"{name}.".startswith(f"{each}.") for each in needless)] == []


@pytest.mark.parametrize("path", commands(rqmon), ids=" ".join)
def test_each_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0

    assert f"Usage: rqmon {' '.join(path)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", [path for path in commands(rqmon) if path != ("cron",) and path[0] != "export"], ids=" ".join
)
def test_each_command_can_print_json(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    main([*path, "--help"])

    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such"], "No such command 'no-such'"),
        (["status", "--no-such"], "No such option '--no-such'"),
        (["failed", "--since", "soon"], "expected a time span such as 90s, 30m, 2h, 7d or 1w, got 'soon'"),
        (["failed", "--older-than", "0d"], "got '0d'"),
        (["failed", "--limit", "0"], "0 is not in the range x>=1"),
        (["purge", "mail", "started"], "'started' is not one of 'queued', 'failed'"),
        (["empty"], "Missing argument 'QUEUE'"),
        (["prune", "--days", "x"], "'x' is not a valid integer"),
    ],
)
def test_an_invalid_command_line_is_one_line_of_error(
    rqmon: Rqmon, arguments: list[str], expected: str
) -> None:
    result = rqmon(*arguments)

    assert (result.code, result.out) == (2, "")
    assert expected.replace("'", "") in result.err.replace("'", "")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("arguments", WITH_REDIS, ids=" ".join)
def test_without_redis_each_command_fails_with_one_line(
    rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")

    result = rqmon(*arguments)

    said = result.out if arguments == ["health"] else result.err
    assert result.code == 3
    assert "Connection refused" in said
    assert "hunter2" not in said
    assert "Traceback" not in said


def test_an_invalid_setting_is_one_line_of_error(rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "http://127.0.0.1")

    result = rqmon("status")

    assert result.code == 2
    assert result.err.startswith("rqmon: RQ_REDIS_URL: expected a URL that starts with redis://")


def test_without_a_command_it_lists_the_commands(rqmon: Rqmon) -> None:
    result = rqmon()

    assert result.code == 2
    assert "requeue" in result.out


LOOKS = [("status",), ("tail",), ("job",), ("jobs",), ("failed",), ("health",), ("cron",), ("cron", "list")]


@pytest.mark.parametrize(
    "path", [path for path in commands(rqmon) if path not in LOOKS and path[0] != "export"], ids=" ".join
)
def test_each_changing_command_has_a_dry_run_and_can_skip_the_question(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*path, "--help"])

    printed = capsys.readouterr().out
    assert "--dry-run" in printed
    assert "--yes" in printed


def test_prune_does_not_ask_if_nothing_is_old(rqmon: Rqmon) -> None:
    assert rqmon("prune", "--json").json == {
        "dry_run": False, "chosen": [], "removed": [], "left_as_they_are": []
    }  # fmt: skip
    assert rqmon("prune", "--days", "7").out == "removed 0 series that were not written for 7 days\n"


@pytest.mark.slow
def test_the_script_of_a_checkout_runs_from_anywhere(
    redis_client: Redis, project_root: Path, tmp_path: Path
) -> None:
    (job_id,) = fail_jobs(redis_client)

    result = subprocess.run(
        [project_root / "rqmon", "failed"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert job_id in result.stdout


def test_the_script_of_a_checkout_reports_what_is_missing(project_root: Path, tmp_path: Path) -> None:
    script = tmp_path / "rqmon"
    script.write_text((project_root / "rqmon").read_text())
    script.chmod(0o755)

    result = subprocess.run([script, "status"], capture_output=True, text=True, check=False)

    assert result.returncode == 2
    assert "make start-rq-mon creates it" in result.stderr


@pytest.mark.slow
def test_a_closed_pipe_causes_no_traceback(redis_client: Redis, project_root: Path) -> None:
    fail_jobs(redis_client)

    piped = subprocess.run(
        ["bash", "-c", f"{project_root}/rqmon failed --traceback --json | true"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in piped.stderr


def test_the_page_names_exactly_the_commands_and_options_that_exist(project_root: Path) -> None:
    page = (project_root / "docs" / "use" / "command-line.md").read_text()
    leaves = [path for path in commands(rqmon) if not isinstance(command_at(path), click.Group)]

    assert [path for path in leaves if f"`{' '.join(path)}" not in page] == []
    options = {
        opt for path in leaves for param in command_at(path).params for opt in param.opts if opt[0] == "-"
    }
    assert set(re.findall(r"--[a-z][a-z-]*", page)) == options


def command_at(path: tuple[str, ...]) -> click.Command:
    command: click.Command = rqmon
    for name in path:
        assert isinstance(command, click.Group)
        command = command_of(command, name)
    return command

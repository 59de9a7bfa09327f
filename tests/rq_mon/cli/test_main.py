"""What all commands have in common: help, errors, exit codes, and the ways to start them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import click
import pytest
from redis import Redis

from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.ports import free_port
from rq_mon.cli.main import main, rqmon
from tests.rq_mon.cli.conftest import Rqmon


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


WITH_REDIS = [
    ["status"],
    ["failed"],
    ["requeue", "--all"],
    ["empty", "mail"],
    ["pause"],
    ["cron", "list"],
    ["health"],
    ["prune"],
]


@pytest.mark.parametrize("path", commands(rqmon), ids=" ".join)
def test_each_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0

    assert f"Usage: rqmon {' '.join(path)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", [path for path in commands(rqmon) if path != ("cron",) and path[0] != "export"], ids=" ".join
)
def test_each_command_has_json(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    main([*path, "--help"])

    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such"], "No such command 'no-such'"),
        (["status", "--no-such"], "No such option '--no-such'"),
        (["failed", "--since", "soon"], "expected a span of time such as 90s, 30m, 2h, 7d or 1w, got 'soon'"),
        (["failed", "--older-than", "0d"], "got '0d'"),
        (["failed", "--limit", "0"], "0 is not in the range x>=1"),
        (["purge", "mail", "started"], "'started' is not one of 'queued', 'failed'"),
        (["empty"], "Missing argument 'QUEUE'"),
        (["prune", "--days", "x"], "'x' is not a valid integer"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_one_clear_line(
    rqmon: Rqmon, arguments: list[str], expected: str
) -> None:
    result = rqmon(*arguments)

    assert (result.code, result.out) == (2, "")
    assert expected.replace("'", "") in result.err.replace("'", "")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("arguments", WITH_REDIS, ids=" ".join)
def test_without_redis_each_command_says_so_in_one_line(
    rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")

    result = rqmon(*arguments)

    said = result.out if arguments == ["health"] else result.err
    assert result.code == 3
    assert "Connection refused" in said
    assert "hunter2" not in said
    assert "Traceback" not in said


def test_a_setting_that_cannot_be_used_is_one_clear_line(
    rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RQ_REDIS_URL", "http://127.0.0.1")

    result = rqmon("status")

    assert result.code == 2
    assert result.err.startswith("rqmon: RQ_REDIS_URL: expected a URL that starts with redis://")


def test_no_command_shows_what_there_is(rqmon: Rqmon) -> None:
    result = rqmon()

    assert result.code == 2
    assert "requeue" in result.out


LOOKS = [("status",), ("tail",), ("job",), ("jobs",), ("failed",), ("health",), ("cron",), ("cron", "list")]


@pytest.mark.parametrize(
    "path", [path for path in commands(rqmon) if path not in LOOKS and path[0] != "export"], ids=" ".join
)
def test_each_command_that_changes_something_can_be_tried_and_can_be_told_not_to_ask(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*path, "--help"])

    printed = capsys.readouterr().out
    assert "--dry-run" in printed
    assert "--yes" in printed


def test_prune_has_nothing_to_ask_where_nothing_is_old(rqmon: Rqmon) -> None:
    assert rqmon("prune", "--json").json == {
        "dry_run": False, "chosen": [], "removed": [], "left_as_they_are": []
    }  # fmt: skip
    assert rqmon("prune", "--days", "7").out == "0 series removed that were not written for 7 days\n"


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


def test_the_script_of_a_checkout_says_what_is_missing(project_root: Path, tmp_path: Path) -> None:
    script = tmp_path / "rqmon"
    script.write_text((project_root / "rqmon").read_text())
    script.chmod(0o755)

    result = subprocess.run([script, "status"], capture_output=True, text=True, check=False)

    assert result.returncode == 2
    assert "make start-rq-mon makes it" in result.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_traceback(redis_client: Redis, project_root: Path) -> None:
    fail_jobs(redis_client)

    piped = subprocess.run(
        ["bash", "-c", f"{project_root}/rqmon failed --traceback --json | true"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in piped.stderr


def test_the_page_names_each_command_and_option_and_no_other(project_root: Path) -> None:
    page = (project_root / "docs" / "command-line.md").read_text()
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
        command = command.commands[name]
    return command

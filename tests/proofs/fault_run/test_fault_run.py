"""The run itself, in its short version, started as users start it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from proofs.fault_run.interpreter import interpreter


@pytest.mark.e2e(seconds=65)
@pytest.mark.needs("redis-server", "prometheus", "faketime")
def test_short_run_loses_nothing_and_counts_nothing_twice(project_root: Path, tmp_path: Path) -> None:
    """Without the long freeze of Redis, which would double its duration."""
    document = tmp_path / "fault-run.md"
    options = ["--short", "--long-redis-freezes", "0", "--markdown", str(document)]

    run = subprocess.run(
        [sys.executable, "-m", "proofs.fault_run", *options],
        cwd=project_root,
        capture_output=True,
        text=True,
        timeout=1200,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    written = document.read_text()
    assert "| missed |" not in written
    assert written.count("| met |") >= 18


def test_a_version_of_rq_that_is_not_installed_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("proofs.fault_run.interpreter.RQ3", tmp_path / "python")

    with pytest.raises(
        click.UsageError, match=r"--rq 3: expected RQ 3 in .*/python, got none; `make test-rq3`"
    ):
        interpreter("3")


def test_workers_use_the_rq_of_this_process_by_default() -> None:
    assert interpreter("2") == (sys.executable, version("rq"))


def test_refuses_an_invalid_size(project_root: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "proofs.fault_run", "--jobs", "many"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 2
    assert "expected a whole number, got 'many'" in run.stderr

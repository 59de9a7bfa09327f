"""The run itself, in its short version, as users call it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.e2e(seconds=180)
@pytest.mark.needs("redis-server", "prometheus", "faketime")
def test_short_run_loses_nothing_and_counts_nothing_twice(project_root: Path, tmp_path: Path) -> None:
    document = tmp_path / "fault-run.md"

    run = subprocess.run(
        [sys.executable, "-m", "proofs.fault_run", "--short", "--markdown", str(document)],
        cwd=project_root,
        capture_output=True,
        text=True,
        timeout=1200,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    written = document.read_text()
    assert "| missed |" not in written
    assert written.count("| met |") >= 13


def test_a_size_that_is_none_is_refused(project_root: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "proofs.fault_run", "--jobs", "many"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 2
    assert "expected a whole number, got 'many'" in run.stderr

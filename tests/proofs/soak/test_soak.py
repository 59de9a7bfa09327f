"""A soak of one minute, too short for a verdict; `make test-proofs` runs a longer one, as users do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proofs.harness.native_stack import NativeStack
from proofs.soak.report import BOUNDS
from proofs.soak.run import soak

needs_programs = pytest.mark.needs(
    "redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter", "chromium"
)


@pytest.mark.e2e(seconds=80)
@needs_programs
def test_a_soak_of_one_minute_measures_everything_that_has_a_bound(
    project_root: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stack = NativeStack(project_root, tmp_path_factory.mktemp("soak"))
    try:
        started = stack.make("start-rq-mon")
        assert started.returncode == 0, started.stdout
        points = soak(stack, 1, tmp_path / "samples.jsonl")
    finally:
        stack.remove()

    assert BOUNDS.keys() <= points.keys()


@pytest.mark.e2e(seconds=240)
@pytest.mark.proof
@needs_programs
def test_short_soak_measures_everything(project_root: Path, tmp_path: Path) -> None:
    document = tmp_path / "soak.md"

    soak = subprocess.run(
        [sys.executable, "-m", "proofs.soak", "--minutes", "3", "--markdown", str(document)],
        cwd=project_root,
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert document.exists(), soak.stdout + soak.stderr
    written = document.read_text()
    for name in BOUNDS:
        assert f"| {name} | mean " in written
    assert "nan" not in written
    assert soak.returncode == int("| missed |" in written)


def test_a_soak_that_is_too_short_is_refused(project_root: Path) -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "proofs.soak", "--minutes", "1"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )

    assert soak.returncode == 2
    assert "expected a number of minutes of at least 3, got '1'" in soak.stderr

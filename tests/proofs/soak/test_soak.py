"""A soak of a few minutes, as users call it: too short for a verdict, long enough to see everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proofs.soak.report import BOUNDS


@pytest.mark.e2e(seconds=240)
@pytest.mark.needs(
    "redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter", "chromium"
)
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


def test_too_short_a_soak_is_refused(project_root: Path) -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "proofs.soak", "--minutes", "1"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )

    assert soak.returncode == 2
    assert "expected a number of minutes of at least 3, got '1'" in soak.stderr

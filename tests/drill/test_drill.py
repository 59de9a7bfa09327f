"""The drill itself, in its short version, as users call it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drill.__main__ import SHORT
from drill.fault import FAULTS


@pytest.mark.e2e
@pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter")
def test_short_drill_passes_and_writes_what_it_found(project_root: Path, tmp_path: Path) -> None:
    document = tmp_path / "drill.md"

    drill = subprocess.run(
        [sys.executable, "-m", "drill", "--short", "--markdown", str(document)],
        cwd=project_root,
        env=os.environ | {"RUNTIME": "native"},
        capture_output=True,
        text=True,
        timeout=400,
    )

    assert drill.returncode == 0, drill.stdout + drill.stderr
    written = document.read_text()
    for name in SHORT:
        assert FAULTS[name].what in written
    assert written.count("| passed |") == len(SHORT) + 2
    assert "False alarms: 0." in written


def test_unknown_fault_is_refused_with_those_that_there_are(project_root: Path) -> None:
    drill = subprocess.run(
        [sys.executable, "-m", "drill", "no-such-fault"], cwd=project_root, capture_output=True, text=True
    )

    assert drill.returncode == 2
    assert "'no-such-fault'" in drill.stderr
    assert "redis-frozen" in drill.stderr

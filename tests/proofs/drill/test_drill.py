"""The short version of the drill, and invalid command lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stack.native.runtime import NativeRuntime
from tests.harness.short_drill import check_short_drill


@pytest.mark.e2e(seconds=80)
@pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter")
def test_short_drill_passes_and_writes_its_results(project_root: Path, tmp_path: Path) -> None:
    check_short_drill(project_root, tmp_path, NativeRuntime.name)


@pytest.mark.slow
def test_an_unknown_fault_is_refused_with_a_list_of_the_faults(project_root: Path) -> None:
    drill = subprocess.run(
        [sys.executable, "-m", "proofs.drill", "no-such-fault"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )

    assert drill.returncode == 2
    assert "'no-such-fault'" in drill.stderr
    assert "redis-frozen" in drill.stderr

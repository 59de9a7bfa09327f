"""The drill in its short version, as users call it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from proofs.drill.__main__ import SHORT
from proofs.drill.fault import FAULTS

ENDS_WITHIN = 900.0


def check_short_drill(project: Path, directory: Path, runtime: str) -> None:
    """Run it in one runtime.

    Raises:
        AssertionError: it failed, or did not write its results.
    """
    document = directory / "drill.md"

    drill = subprocess.run(
        [sys.executable, "-m", "proofs.drill", "--short", "--markdown", str(document)],
        cwd=project,
        env=os.environ | {"RUNTIME": runtime},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
    )

    assert drill.returncode == 0, drill.stdout + drill.stderr
    written = document.read_text()
    for name in SHORT:
        assert FAULTS[name].what in written
    assert written.count("| passed |") == len(SHORT) + 2
    assert "False alarms: 0." in written

"""The summary counts what tests report, in other processes, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.needs("no-such-program")
@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    raise AssertionError
"""


@pytest.mark.slow
def test_tests_without_their_program_are_counted(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, count in (("test_one.py", 1), ("test_two.py", 2)):
        (tmp_path / name).write_text(TESTS.format(count=count))

    plugins = ["-p", "tests.conftest", "-p", "no:dash"]
    command = [sys.executable, "-m", "pytest", *plugins, "-n", "2", "--dist", "loadfile", str(tmp_path)]
    run = subprocess.run(command, cwd=project_root, capture_output=True, text=True)

    assert "skipped: 3 tests need no-such-program, which is not installed" in run.stdout, run.stdout

"""A copy of the project in which mutants are tried, so that the checkout never changes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import psutil

from proofs.harness.processes import kill_with_children
from proofs.harness.stack_copy import copy_tree
from proofs.mutation.mutants import Mutant
from proofs.mutation.project import Project
from proofs.mutation.reach import MARK, NO_TESTS, PASSED, Reach
from proofs.mutation.result import Outcome, Result

FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)
SUMMARY = re.compile(r"^(?:\d+ \w+.*|no tests ran) in [\d.]+s", re.MULTILINE)
"""Pytest's last line. It is missing if a mutant ended pytest, even with exit code 0."""
LONGEST = 240.0
"""Most seconds of tests for one mutant. Most mutants are noticed long before."""
PATIENCE = 3
"""If tests take this many times as long as without the mutant, they are considered endless."""


class Workshop:
    """Runs the tests of one project on one mutant at a time."""

    def __init__(self, project: Project, directory: Path, reach: Reach) -> None:
        self._project = project
        self._directory = directory
        self._copy = directory / "project"
        self._reach = reach
        copy_tree(project.root, self._copy)

    def try_out(self, mutant: Mutant) -> Result:
        """Run the tests that reach a mutant's line, the fastest first, until one notices it."""
        file = self._copy / mutant.path
        unchanged = file.read_bytes()
        tests = self._tests_of(mutant, file)
        limit = PATIENCE * (10 + sum(self._reach.seconds[test] for test in tests))
        begin = time.monotonic()
        try:
            _write(file, mutant.code.encode())
            outcome, output = self._run(tests, limit)
        finally:
            _write(file, unchanged)
        test = FAILURE.search(output) if outcome == "killed" else None
        if outcome == "killed" and test is None:
            _start_pytest()
        noticed_by = test[1] if test else ""
        seconds = round(time.monotonic() - begin, 1)
        return Result(mutant.path, mutant.line, mutant.original, mutant.mutated, outcome, noticed_by, seconds)

    def _tests_of(self, mutant: Mutant, file: Path) -> list[str]:
        """The tests to run: if none was seen to run the line, those of the module's own folder.

        Lines that run only in processes that are killed are never seen.
        """
        tests = self._reach.tests_of(file, mutant.path, mutant.line) or self._project.own_tests(mutant.path)
        ends = accumulate(self._reach.seconds[test] for test in tests)
        return [test for test, end in zip(tests, ends, strict=True) if end <= LONGEST] or tests[:1]

    def _run(self, tests: Sequence[str], limit: float) -> tuple[Outcome, str]:
        if not tests:
            return "survived", ""
        command = ["-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                [sys.executable, *command, "-m", MARK, "--basetemp", str(self._directory / "tmp"), *tests],
                cwd=self._copy,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a mutant may kill its own process group
            )
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                return "timeout", ""
            finally:
                if process.poll() is None:
                    kill_with_children(process.pid)
                    process.wait()
                self._end_what_is_left()
            output.seek(0)
            text = output.read()
            has_passed = status in (PASSED, NO_TESTS) and SUMMARY.search(text) is not None
            return "survived" if has_passed else "killed", text

    def _end_what_is_left(self) -> None:
        """Kill all processes that a mutant's tests left in this workshop's directory."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if Path(process.cwd()).is_relative_to(self._directory):
                    process.kill()


def _start_pytest() -> None:
    """Raise an error if pytest cannot start: otherwise every mutant would seem to be noticed."""
    subprocess.run([sys.executable, "-m", "pytest", "--version"], check=True, capture_output=True)


def _write(file: Path, code: bytes) -> None:
    """Write a module so that Python compiles it again, even if its time and size are the same."""
    file.write_bytes(code)
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


@contextlib.contextmanager
def open_workshops(project: Project, number: int, reach: Reach) -> Iterator[list[Workshop]]:
    """Make workshops, and remove them at the end of the block.

    Args:
        project: is not changed.
        number: how many workshops.
        reach: which tests run which lines of the project.
    """
    with tempfile.TemporaryDirectory(prefix="rq-mut-", ignore_cleanup_errors=True) as directory:
        yield [Workshop(project, Path(directory) / str(each), reach) for each in range(number)]

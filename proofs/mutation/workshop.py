"""A copy of the project in which mutants are tried, so that the checkout is never touched."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from proofs.harness.processes import kill_with_children
from proofs.harness.stack_copy import copy_tree
from proofs.mutation.mutants import Mutant
from proofs.mutation.project import Project
from proofs.mutation.result import Outcome, Result

FAST, SLOW = "not slow and not e2e and not compose", "slow"
PASSED, NO_TESTS = 0, 5
FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)


class FailingTestsError(Exception):
    """The tests fail without a mutant, so they say nothing about one."""


class Workshop:
    """Runs the tests of one project on one mutant at a time."""

    def __init__(self, project: Project, directory: Path, limit: float) -> None:
        self._project = project
        self._directory = directory
        self._copy = directory / "project"
        self._limit = limit
        copy_tree(project.root, self._copy)

    def check(self, paths: Sequence[str]) -> None:
        """Run the tests of these modules on the unchanged copy.

        Raises:
            FailingTestsError: at least one fails.
        """
        for mark, tests_of in ((FAST, self._project.tests), (SLOW, self._project.own_tests)):
            tests = list(dict.fromkeys(test for path in paths for test in tests_of(path)))
            outcome, output = self._run(mark, tests, limit=None)
            if outcome != "survived":
                raise FailingTestsError(output)

    def try_out(self, mutant: Mutant) -> Result:
        """Run tests on a mutant until one notices it: the quickest way to that first."""
        file = self._copy / mutant.path
        unchanged = file.read_bytes()
        own, all_tests = self._project.own_tests(mutant.path), self._project.tests(mutant.path)
        begin = time.monotonic()
        try:
            _write(file, mutant.code.encode())
            for mark, tests in ((FAST, own), (FAST, all_tests[len(own) :]), (SLOW, own)):
                outcome, output = self._run(mark, tests, self._limit)
                if outcome != "survived":
                    break
        finally:
            _write(file, unchanged)
        test = FAILURE.search(output) if outcome == "killed" else None
        noticed_by = test[1] if test else ""
        seconds = round(time.monotonic() - begin, 1)
        return Result(mutant.path, mutant.line, mutant.original, mutant.mutated, outcome, noticed_by, seconds)

    def _run(self, mark: str, tests: Sequence[str], limit: float | None) -> tuple[Outcome, str]:
        if not tests:
            return "survived", ""
        command = ["-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                [sys.executable, *command, "-m", mark, "--basetemp", str(self._directory / "tmp"), *tests],
                cwd=self._copy,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
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
            return "survived" if status in (PASSED, NO_TESTS) else "killed", output.read()

    def _end_what_is_left(self) -> None:
        """Kill what tests of a mutant could not end: all that runs in this workshop's directory."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if Path(process.cwd()).is_relative_to(self._directory):
                    process.kill()


def _write(file: Path, code: bytes) -> None:
    """Write a module; Python would take its compiled file for current if time and size are the same."""
    file.write_bytes(code)
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


@contextlib.contextmanager
def open_workshops(project: Project, number: int, limit: float) -> Iterator[list[Workshop]]:
    """Copies of the project, which are gone afterwards.

    Args:
        project: stays as it is.
        number: how many.
        limit: the seconds that each of three runs of tests may take on a mutant.
    """
    with tempfile.TemporaryDirectory(prefix="rq-mut-", ignore_cleanup_errors=True) as directory:
        yield [Workshop(project, Path(directory) / str(each), limit) for each in range(number)]

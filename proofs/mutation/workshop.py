"""A copy of the project in which mutants are tried, so that the checkout is never touched."""

from __future__ import annotations

import contextlib
import os
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
FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


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
            outcome, output = self._run(tests, mark, limit=None)
            if outcome != "survived":
                raise FailingTestsError(output)

    def try_out(self, mutant: Mutant) -> Result:
        """Run the fast tests on a mutant and, if none notices it, the slow ones of its folder."""
        file = self._copy / mutant.path
        unchanged = file.read_bytes()
        begin = time.monotonic()
        try:
            file.write_text(mutant.code, encoding="utf-8")
            outcome, output = self._run(self._project.tests(mutant.path), FAST, self._limit)
            if outcome == "survived":
                outcome, output = self._run(self._project.own_tests(mutant.path), SLOW, self._limit)
        finally:
            file.write_bytes(unchanged)
        test = FAILURE.search(output) if outcome == "killed" else None
        noticed_by = test[1] if test else ""
        seconds = round(time.monotonic() - begin, 1)
        return Result(mutant.path, mutant.line, mutant.original, mutant.mutated, outcome, noticed_by, seconds)

    def _run(self, tests: Sequence[str], mark: str, limit: float | None) -> tuple[Outcome, str]:
        if not tests:
            return "survived", ""
        command = ["-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                [sys.executable, *command, "-m", mark, "--basetemp", str(self._directory / "tmp"), *tests],
                cwd=self._copy,
                # Python takes a compiled file for current if time and size are the same: a mutant's may be.
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
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


@contextlib.contextmanager
def open_workshops(project: Project, number: int, limit: float) -> Iterator[list[Workshop]]:
    """So many copies of the project; they are gone afterwards.

    Args:
        project: stays as it is.
        number: how many.
        limit: the seconds that the fast tests, and then the slow ones, may take on a mutant.
    """
    with tempfile.TemporaryDirectory(prefix="rq-mut-", ignore_cleanup_errors=True) as directory:
        yield [Workshop(project, Path(directory) / str(each), limit) for each in range(number)]

"""Which lines of the product each test file runs, and how long it takes: each file is run once.

Child processes of the tests are included, unless they are killed before they save their lines.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from coverage import CoverageData
from coverage.exceptions import DataError

from proofs.mutation.project import Project

MARK = "not e2e and not compose"
PASSED, NO_TESTS = 0, 5

SETTINGS = """
[run]
data_file = {data}
parallel = true
patch = _exit, subprocess
sigterm = true
source = {sources}
disable_warnings = no-data-collected, module-not-measured, module-not-imported
"""


@dataclass(frozen=True)
class Reach:
    """The duration of each test file, and the lines that it runs."""

    seconds: Mapping[str, float]
    """By test file: its duration."""
    lines: Mapping[str, Mapping[str, frozenset[int]]]
    """By test file and module: the lines that it runs."""

    def tests_of(self, module: Path, path: str, line: int) -> list[str]:
        """The test files that run the statement on this line of a module, the fastest first.

        Args:
            module: the file.
            path: the same file, from the root of the project.
            line: any line of the statement.
        """
        statement = _statement(module, line)
        nowhere: frozenset[int] = frozenset()
        found = [
            test for test, lines in self.lines.items() if not statement.isdisjoint(lines.get(path, nowhere))
        ]
        return sorted(found, key=lambda test: (self.seconds[test], test))

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        lines = {test: {path: sorted(of) for path, of in by.items()} for test, by in self.lines.items()}
        return json.dumps({"seconds": self.seconds, "lines": lines})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        found = json.loads(text)
        lines = {
            test: {path: frozenset(of) for path, of in by.items()} for test, by in found["lines"].items()
        }
        return cls(found["seconds"], lines)


class FailingTestsError(Exception):
    """Tests already fail without a mutant, so they cannot judge one."""


def find_reach(project: Project, file: Path, at_a_time: int) -> Reach:
    """Run each test file of a project once, unless `file` has the result already.

    Args:
        project: is not changed.
        file: the result is saved here.
        at_a_time: the number of test files that run at the same time.

    Raises:
        FailingTestsError: at least one test fails.
    """
    if file.exists():
        return Reach.from_json(file.read_text(encoding="utf-8"))
    tests = project.tests()
    with ThreadPoolExecutor(at_a_time) as pool:
        runs = list(pool.map(lambda test: _run(project, test), tests))
    reach = Reach(
        {test: seconds for test, (seconds, _) in zip(tests, runs, strict=True)},
        {test: lines for test, (_, lines) in zip(tests, runs, strict=True)},
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(reach.to_json(), encoding="utf-8")
    return reach


def _run(project: Project, test: str) -> tuple[float, Mapping[str, frozenset[int]]]:
    with tempfile.TemporaryDirectory(prefix="rq-reach-") as name:
        directory = Path(name)
        sources = ",".join(str(project.root / package) for package in project.packages)
        (directory / "rc").write_text(SETTINGS.format(data=directory / "data", sources=sources), "utf-8")
        coverage = ["-m", "coverage", "run", f"--rcfile={directory / 'rc'}"]
        pytest = ["-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
        begin = time.monotonic()
        run = subprocess.run(
            [sys.executable, *coverage, *pytest, "-m", MARK, "--basetemp", str(directory / "tmp"), test],
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if run.returncode not in (PASSED, NO_TESTS):
            raise FailingTestsError(run.stdout + run.stderr)
        return time.monotonic() - begin, _lines_in(directory, project.root)


def _lines_in(directory: Path, root: Path) -> Mapping[str, frozenset[int]]:
    lines: dict[str, frozenset[int]] = {}
    for file in directory.glob("data.*"):
        data = CoverageData(str(file))
        try:
            data.read()
        except DataError:
            continue  # the process was killed while it wrote
        for module in data.measured_files():
            path = str(Path(module).relative_to(root))
            lines[path] = lines.get(path, frozenset()) | frozenset(data.lines(module) or ())
    return lines


def _statement(module: Path, line: int) -> frozenset[int]:
    """The lines of the smallest statement around a line; only the head of a compound statement."""
    around = [lines for lines in _statements(module) if line in lines]
    smallest: range = min(around, key=len, default=range(line, line + 1))
    return frozenset(smallest)


@cache
def _statements(module: Path) -> list[range]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return [_lines_of(node) for node in ast.walk(tree) if isinstance(node, (ast.stmt, ast.ExceptHandler))]


def _lines_of(node: ast.stmt | ast.ExceptHandler) -> range:
    body: list[ast.stmt] = getattr(node, "body", [])
    end = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
    return range(node.lineno, end + 1)

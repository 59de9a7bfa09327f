"""What is mutated, and which tests should notice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

TESTS = PurePosixPath("tests")


@dataclass(frozen=True)
class Project:
    """A project whose tests mirror its packages: those of `shop/till` are in `tests/shop/till`."""

    root: Path
    packages: Sequence[str]

    def own_tests(self, path: str) -> list[str]:
        """The test files of the folder that a module is in, those that import it first."""
        return [test for test in self._tests(path) if _mirrored(path) == str(PurePosixPath(test).parent)]

    def tests(self, path: str) -> list[str]:
        """All test files that should notice a fault in a module: its folder's, and others that import it.

        Those of its own folder come first, then those that import it by fewer steps.
        """
        own = self.own_tests(path)
        return own + [test for test in self._tests(path) if test not in own]

    def _tests(self, path: str) -> list[str]:
        steps = self._steps_to(path)
        mirrored = (self.root / _mirrored(path)).glob("test_*.py")
        found = {str(test.relative_to(self.root)): len(steps) for test in mirrored}
        found |= {file: distance for file, distance in steps.items() if self._counts(file)}
        return sorted(found, key=lambda test: (found[test], test))

    def _counts(self, file: str) -> bool:
        """Whether it is a test file of the packages, not of what is built on them."""
        tops = {PurePosixPath(package).parts[0] for package in self.packages}
        path = PurePosixPath(file)
        return path.name.startswith("test_") and any(path.is_relative_to(TESTS / top) for top in tops)

    def _steps_to(self, path: str) -> dict[str, int]:
        """How many imports lie between each file and this one."""
        steps, reached = {path: 0}, [path]
        for file in reached:  # grows while it is read
            for other in self._importers.get(file, ()):
                if other not in steps:
                    steps[other] = steps[file] + 1
                    reached.append(other)
        return steps

    @cached_property
    def _importers(self) -> Mapping[str, Sequence[str]]:
        command = [sys.executable, "-m", "ruff", "analyze", "graph", "--direction", "dependents", "--preview"]
        answer = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True)
        importers: dict[str, list[str]] = json.loads(answer.stdout)
        for file, others in importers.items():
            if PurePosixPath(file).name == "conftest.py":  # pytest imports it for the tests beside it
                folder = (self.root / file).parent
                others.extend(str(test.relative_to(self.root)) for test in folder.rglob("test_*.py"))
        return importers


def _mirrored(path: str) -> str:
    return str(TESTS / PurePosixPath(path).parent)

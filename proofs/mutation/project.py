"""The packages to mutate, and the tests that may notice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TESTS = PurePosixPath("tests")


@dataclass(frozen=True)
class Project:
    """A project whose tests mirror its packages: those of `shop/till` are in `tests/shop/till`."""

    root: Path
    packages: Sequence[str]

    def tests(self) -> list[str]:
        """All test files of the packages' top-level folders."""
        tops = sorted({PurePosixPath(package).parts[0] for package in self.packages})
        return [test for top in tops for test in self._files(TESTS / top, "test_*.py")]

    def own_tests(self, path: str) -> list[str]:
        """The test files in the folder that mirrors the module's folder."""
        folder = TESTS / PurePosixPath(path).parent
        return [test for test in self._files(folder, "test_*.py") if PurePosixPath(test).parent == folder]

    def digest(self) -> str:
        """Changes when a file of the packages or of the tests changes."""
        digest = hashlib.sha256()
        for folder in (*self.packages, str(TESTS)):
            for path in self._files(PurePosixPath(folder), "*.py"):
                digest.update(f"{path}\n".encode() + (self.root / path).read_bytes())
        return digest.hexdigest()[:16]

    def _files(self, folder: PurePosixPath, pattern: str) -> Iterator[str]:
        return (str(path.relative_to(self.root)) for path in sorted((self.root / folder).rglob(pattern)))

"""Python environments as users make them, from wheels of this checkout and from PyPI."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Environment:
    """A Python environment with what was installed into it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of an activated environment; nothing of this checkout is importable."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder)}

    def install(self, *requirements: str) -> None:
        """Run `pip install`; only what is imported is compiled, which saves half of the time."""
        self._pip("install", "--quiet", "--no-compile", *requirements)

    def uninstall(self, *packages: str) -> None:
        self._pip("uninstall", "--quiet", "--yes", *packages)

    def _pip(self, *arguments: str) -> None:
        """Run the pip of the tests for this environment. A pip of its own takes five seconds to install."""
        run(sys.executable, "-m", "pip", "--python", str(self.python), *arguments)

    def try_to_run(
        self, command: str, *arguments: str, cwd: Path, url: str
    ) -> subprocess.CompletedProcess[str]:
        """Run an installed command, whatever its exit code."""
        return subprocess.run(
            [self.folder / "bin" / command, *arguments],
            cwd=cwd,
            env={**self.variables, "RQ_REDIS_URL": url, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def run(self, command: str, *arguments: str, cwd: Path, url: str) -> str:
        """Run an installed command; return its output."""
        result = self.try_to_run(command, *arguments, cwd=cwd, url=url)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def environment(folder: Path, *requirements: str) -> Environment:
    """Make one, and install into it."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    made = Environment(folder)
    made.install(*requirements)
    return made


def built_wheels(folder: Path) -> dict[str, Path]:
    """Build both distributions of this checkout; return their wheels by package name."""
    for source in (PROJECT_ROOT, PROJECT_ROOT / "scheduler"):
        pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
        run(*pip, "--wheel-dir", str(folder), str(source))
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


def run(*command: str) -> None:
    """Run a command.

    Raises:
        AssertionError: it failed; the message holds what it printed.
    """
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr

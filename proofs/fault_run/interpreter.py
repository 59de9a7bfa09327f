"""Selects the Python, and so the RQ, that runs workers and cron schedulers."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import click

from stack.settings import PROJECT_ROOT

CHOICES = ("2", "3")
RQ3 = PROJECT_ROOT / ".venv-rq3" / "bin" / "python"


class Interpreter(NamedTuple):
    """A Python with this package's dependencies."""

    path: str
    rq_version: str


def interpreter(rq: str) -> Interpreter:
    """Return the interpreter with this major version of RQ.

    Raises:
        click.UsageError: that version is not installed.
    """
    path = sys.executable if rq == CHOICES[0] else str(RQ3)
    version = _rq_version(path)
    if not version.startswith(f"{rq}."):
        raise click.UsageError(
            f"--rq {rq}: expected RQ {rq} in {path}, got {version or 'none'}; `make test-rq3` installs RQ 3"
        )
    return Interpreter(path, version)


def _rq_version(path: str) -> str:
    """Return the version of an interpreter's RQ; empty if it has none."""
    try:
        asked = [path, "-c", "import rq; print(rq.VERSION)"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

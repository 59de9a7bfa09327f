"""A copy of this project with its own ports, started and stopped as users do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from proofs.harness.ports import free_port
from stack.redis_access import access_of
from stack.redis_users import OPERATOR
from stack.services import PROMETHEUS, Service
from stack.settings import load_settings
from stack.variables import PORTS, REDIS_URL

TIMEOUT = 300.0


class StackCopy(ABC):
    """The stack in a copy of the tree, which shares the original's virtual environment."""

    def __init__(self, project: Path, directory: Path, runtime: str, **variables: str) -> None:
        self.directory = directory
        copy_tree(project, directory)
        ports = {port.name: str(free_port()) for port in PORTS}
        # What an outer make hands to its children is not meant for this one.
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        self.environment = outer | {"RUNTIME": runtime, REDIS_URL: ""} | ports | variables
        self.settings = load_settings(self.environment, directory / ".env")

    def make(self, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile; stdout has all output."""
        given = (f"{name}={text}" for name, text in variables.items())
        return self.run("make", "--no-print-directory", target, *given, stderr=subprocess.STDOUT)

    def run(
        self, *command: str, reads: str = "", stderr: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder of the copy, with this stdin."""
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            input=reads,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    @abstractmethod
    def remove(self) -> None:
        """End everything that was started."""

    def targets(self) -> dict[str, str]:
        """The health of scrape targets by job, as Prometheus sees them."""
        active = self.ask_prometheus("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    def sum_of(self, selector: str) -> float:
        """The current sum of all series that match the selector; 0 if there are none."""
        result = self.ask_prometheus("query", query=f"sum({selector})")["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def redis_url(self) -> str:
        """The URL of its Redis, for an operator."""
        return access_of(OPERATOR, self.settings, self.directory / ".rq-mon" / "secrets").url()

    def url(self, service: Service) -> str:
        return f"http://127.0.0.1:{self.settings.port(service)}"

    def ask_prometheus(self, what: str, **parameters: str) -> Any:
        with urlopen(f"{self.url(PROMETHEUS)}/api/v1/{what}?{urlencode(parameters)}", timeout=60) as answer:
            return json.load(answer)["data"]


def copy_tree(project: Path, directory: Path) -> None:
    """Copy every file that git knows or would add. The copy shares the original's virtual environment.

    Each file keeps its time, or make would install again. What Python has compiled is copied too, or each
    process of the copy would compile it again.
    The folder has git's usual permissions. It may be below a closed one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    for name in _files_of(project):
        for copied in (name, cache_from_source(name)) if name.endswith(".py") else (name,):
            if (project / copied).is_file():
                (directory / copied).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(project / copied, directory / copied)
    (directory / ".venv").symlink_to(project / ".venv")


def _files_of(project: Path) -> Iterable[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    return filter(None, listing.split("\0"))

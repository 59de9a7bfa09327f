"""A copy of the stack as local processes, and what it leaves on this machine."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from pathlib import Path

import psutil

from proofs.harness.stack_copy import StackCopy
from stack.native.processes import SERVICE_NAME, processes_of
from stack.variables import STOP_GRACE


class NativeStack(StackCopy):
    """A copy of the stack, with its processes, ports and files."""

    def __init__(self, project: Path, directory: Path, **variables: str) -> None:
        super().__init__(project, directory, "native", **variables)
        self._files = _files_in(directory)
        self.state = directory / ".rq-mon" / "native"

    def remove(self) -> None:
        """Kill all of its processes. The owner of the folder removes the files."""
        self.make("stop-rq-mon", **{STOP_GRACE.name: "0"})

    def evaluate_rules_every(self, seconds: int) -> None:
        """Shorten the intervals of the rules, so that a test does not wait for minutes."""
        folder = self.directory / "prometheus"
        for file in [folder / "prometheus.yml", *(folder / "rules").rglob("*.yml")]:
            shorter = re.sub(
                r"\b((?:evaluation_)?interval): \d+[sm]$", rf"\1: {seconds}s", file.read_text(), flags=re.M
            )
            file.write_text(shorter)

    def processes(self) -> list[psutil.Process]:
        """All of its processes, supervisord and work horses included."""
        return processes_of(self.state)

    def numbers(self) -> dict[str, int]:
        """The id of each service's first process, which started its others."""
        found: dict[str, int] = {}
        for process in sorted(self.processes(), key=lambda each: each.create_time(), reverse=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # a work horse that has just ended
                found[process.environ().get(SERVICE_NAME, "supervisord")] = process.pid
        return found

    def listeners(self) -> dict[int, set[str]]:
        """The addresses on which its processes listen, by port."""
        found: dict[int, set[str]] = {}
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # a work horse that has just ended
                for connection in process.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN:
                        found.setdefault(connection.laddr.port, set()).add(connection.laddr.ip)
        return found

    def listening_ports(self) -> set[int]:
        """Those of its ports that have a listener."""
        own = set(self.settings.ports.values())
        listening = {
            connection.laddr.port
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr
        }
        return own & listening

    def rules_evaluated_since(self, moment: datetime) -> bool:
        """Return whether every group of rules was evaluated after a moment."""
        groups = self.ask_prometheus("rules")["groups"]
        return all(datetime.fromisoformat(group["lastEvaluation"]) > moment for group in groups)

    def new_files(self) -> set[Path]:
        """The files that were written into the tree since the copy, without compiled Python and the state."""
        return _files_in(self.directory) - self._files


def _files_in(directory: Path) -> set[Path]:
    ignored = {".rq-mon", ".venv", "__pycache__"}
    return {path for path in directory.rglob("*") if path.is_file() and not ignored & set(path.parts)}

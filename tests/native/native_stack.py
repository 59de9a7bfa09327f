"""A copy of the stack as local processes, and what it leaves on this machine."""

from __future__ import annotations

from pathlib import Path

import psutil

from native.processes import SERVICE_NAME, processes_of
from tests.harness.stack_copy import StackCopy


class NativeStack(StackCopy):
    """The stack of a copy of the tree, with its processes, ports and files."""

    def __init__(self, project: Path, directory: Path) -> None:
        super().__init__(project, directory, "native")
        self._files = _files_in(directory)
        self.state = directory / ".rq-mon" / "native"

    def processes(self) -> list[psutil.Process]:
        """All that belongs to it, supervisord and work horses included."""
        return processes_of(self.state)

    def numbers(self) -> dict[str, int]:
        """The process number of each service: of its first process, which started the others."""
        found: dict[str, int] = {}
        for process in sorted(self.processes(), key=lambda each: each.create_time(), reverse=True):
            found[process.environ().get(SERVICE_NAME, "supervisord")] = process.pid
        return found

    def listening_ports(self) -> set[int]:
        """Those of its ports on which anybody listens."""
        own = set(self.settings.ports.values())
        listening = {
            connection.laddr.port
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr
        }
        return own & listening

    def new_files(self) -> set[Path]:
        """What was written into the tree since it was copied, but for compiled Python and the state."""
        return _files_in(self.directory) - self._files


def _files_in(directory: Path) -> set[Path]:
    ignored = {".rq-mon", ".venv", "__pycache__"}
    return {path for path in directory.rglob("*") if path.is_file() and not ignored & set(path.parts)}

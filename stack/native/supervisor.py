"""supervisord: start it, query it, change its programs, end it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stack.native.processes import MARK, wait_until_ended
from stack.native.supervisor_config import log_path, supervisor_socket
from stack.runtime import StackError
from stack.services import REDIS

ANSWERS_WITHIN = 5.0
STARTS_WITHIN = 15.0
POLL = 0.1

NO_ANSWER = (OSError, http.client.HTTPException, xmlrpc.client.Error)
"""Errors while supervisord is missing, not listening, or refusing."""


ENDED = frozenset({"STOPPED", "EXITED", "FATAL"})
"""States of a program that does not run and is not about to."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A program's state in supervisord."""

    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN."""
    description: str
    uptime: float
    """Seconds since its last start."""
    pid: int
    """Its process number, 0 if it does not run."""


class Supervisor:
    """The supervisord of one state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def config_path(self) -> Path:
        """The path of its configuration file."""
        return self.directory / "supervisord.conf"

    def is_running(self) -> bool:
        """Return whether supervisord answers."""
        try:
            with self._asking(ANSWERS_WITHIN) as server:
                server.getState()
        except NO_ANSWER:
            return False
        return True

    def start(self, environment: Mapping[str, str], enter: Callable[[], None] | None = None) -> None:
        """Start supervisord in the background with its configuration file.

        Args:
            environment: for supervisord and every program that it starts.
            enter: what its process calls first.

        Raises:
            StackError: it did not start. The message contains its output.
        """
        # Left by the last one. supervisord would remove it too, and wait for 0.3 s.
        supervisor_socket(self.directory).unlink(missing_ok=True)
        result = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config_path)],
            env={**environment, MARK: str(self.directory)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=enter,
        )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.is_running():
            if result.returncode or time.monotonic() > deadline:
                raise StackError(f"supervisord did not start: {result.stderr.strip() or self._log_end()}")
            time.sleep(POLL)

    def update(self, within: float, only: Collection[str] | None = None) -> None:
        """Apply a changed configuration file: restart changed programs, start those that do not run.

        Args:
            within: seconds that a program may take to end.
            only: the programs to update; None for all.

        Raises:
            StackError: supervisord refused or did not answer.
        """
        try:
            with self._asking(ANSWERS_WITHIN + within) as server:
                self._update(server, within, only)
        except NO_ANSWER as error:
            raise StackError(f"supervisord refused the new configuration: {error}") from error

    def _update(self, server: Any, within: float, only: Collection[str] | None) -> None:
        ((added, changed, removed),) = (
            [[name for name in names if only is None or name in only] for names in differences]
            for differences in server.reloadConfig()
        )
        self._remove(server, removed, within)
        # Redis last, because workers need it to record how their jobs end.
        for group in sorted(changed, key=lambda group: group == REDIS.name):
            print(f"Restarting {group}", flush=True)
            server.stopProcessGroup(group)
            server.removeProcessGroup(group)
        for group in (*added, *changed):
            server.addProcessGroup(group)
        for name, process in self.processes().items():
            if process.state in ENDED and (only is None or name in only):
                server.startProcess(name, False)

    def _remove(self, server: Any, groups: Sequence[str], within: float) -> None:
        """Stop all groups at once, because each may have a job to finish."""
        for group in groups:
            print(f"Stopping {group}", flush=True)
            server.stopProcessGroup(group, False)
        deadline = time.monotonic() + within + ANSWERS_WITHIN
        while any(self.processes()[group].state not in ENDED for group in groups):
            if time.monotonic() > deadline:
                raise StackError(f"not ended {within:.0f} s after SIGTERM: one of {', '.join(groups)}")
            time.sleep(POLL)
        for group in groups:
            server.removeProcessGroup(group)

    def processes(self) -> dict[str, ProcessInfo]:
        """Return the programs by name.

        Raises:
            StackError: it does not answer, so the state of its programs is unknown.
        """
        try:
            with self._asking(ANSWERS_WITHIN) as server:
                answer: list[dict[str, Any]] = server.getAllProcessInfo()
        except NO_ANSWER as error:
            raise StackError(f"supervisord does not answer: {error}") from error
        return {
            info["name"]: ProcessInfo(
                info["statename"], info["description"], info["now"] - info["start"], info["pid"]
            )
            for info in answer
        }

    def request_stop(self, name: str) -> None:
        """Send SIGTERM to a program, and do not restart it."""
        # The program, or supervisord, may have just ended.
        with contextlib.suppress(*NO_ANSWER), self._asking(ANSWERS_WITHIN) as server:
            server.stopProcess(name, False)

    def request_start(self, name: str) -> None:
        """Start a stopped program.

        Raises:
            StackError: supervisord refused or did not answer.
        """
        try:
            with self._asking(ANSWERS_WITHIN) as server:
                server.startProcess(name, False)
        except NO_ANSWER as error:
            raise StackError(f"supervisord did not start {name}: {error}") from error

    def shut_down(self, within: float) -> None:
        """Ask it to end its programs and itself. Return when it has ended, or after these seconds."""
        with contextlib.suppress(*NO_ANSWER, psutil.NoSuchProcess), self._asking(ANSWERS_WITHIN) as server:
            process = psutil.Process(server.getPID())
            server.shutdown()
            wait_until_ended([process], within)

    @contextlib.contextmanager
    def _asking(self, timeout: float) -> Iterator[Any]:
        transport = _UnixSocketTransport(supervisor_socket(self.directory), timeout)
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
            yield server.supervisor

    def _log_end(self) -> str:
        log = log_path(self.directory, "supervisord")
        return "\n".join(log.read_text().splitlines()[-10:]) if log.exists() else "it printed nothing"


class _UnixSocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket: one connection for each call, which never waits longer than `timeout`."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self.path = path
        self.timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - there is one
        self.close()
        connection = _UnixSocketConnection(self.path, self.timeout)
        self._connection = None, connection  # close() closes this connection
        return connection


class _UnixSocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self.path))

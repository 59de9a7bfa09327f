"""The real processes of the scheduler, with their logs, for tests to start, watch and kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SOON = {
    "RQ_WORKER_TTL_SECONDS": "16",
    "RQ_JOB_MONITORING_INTERVAL_SECONDS": "1",
    "RQ_MAINTENANCE_INTERVAL_SECONDS": "1",
}
"""Settings that shorten to seconds what takes up to a minute by default."""

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Process:
    """A Python process of the project, run from its root, that logs to `log`."""

    def __init__(self, log: Path, *command: str, env: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *command], cwd=PROJECT_ROOT, env=env, stdout=output, stderr=output
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        return self.log.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def wait_for_log(self, text: str, times: int = 1, within: float = 90) -> None:
        """Wait until the text is in the log, this many times.

        Raises:
            AssertionError: it is not, or the process has ended without it. The message contains its log.
        """

        deadline = time.monotonic() + within
        while True:
            is_alive = self.popen.poll() is None  # first: its last words come before its end
            if self.output.count(text) >= times:
                return
            assert is_alive, f"ended without {text!r}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {text!r} within {within:g} s:\n{self.output}"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM, within: float = 60) -> float:
        """Send a signal, wait for the end, and return the seconds that it took."""
        sent = time.monotonic()
        self.popen.send_signal(number)
        self.wait(within)
        return time.monotonic() - sent

    def wait(self, within: float = 90) -> int:
        """Wait for the end; return the exit code.

        Raises:
            AssertionError: it has not ended. The message contains its log.
        """
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{error}; it logged:\n{self.output}") from None

    def kill(self, *, with_children: bool = True) -> None:
        """Kill it with its children, as in a container that crashes."""
        children = self.children() if with_children and self.popen.poll() is None else []
        self.popen.kill()
        self.popen.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


Start = Callable[..., Process]
"""Starts a process: `start("script.py", "argument", VARIABLE="value")`; it is ended with the test."""


@contextmanager
def processes_in(directory: Path) -> Iterator[Start]:
    """Yield a function that starts processes with logs in the directory; all of them end with the block."""
    started: list[Process] = []

    def start(*command: str, **environment: str) -> Process:
        log = directory / f"process-{len(started)}.log"
        started.append(Process(log, *command, env=os.environ | SOON | environment))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()

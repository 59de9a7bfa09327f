"""Start, end and kill processes in proofs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil


def start_python(
    *arguments: str,
    cwd: Path,
    environment: Mapping[str, str],
    log: Path,
    python: str = sys.executable,
) -> subprocess.Popen[bytes]:
    """Start Python with these arguments; append its output to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [python, *arguments], cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def end(processes: Iterable[subprocess.Popen[bytes]], within: float) -> list[subprocess.Popen[bytes]]:
    """Send SIGTERM to all, wait, kill those that do not end, and return those.

    Args:
        processes: some may have ended already.
        within: the seconds that all of them have together.
    """
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + within
    hanging = []
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            hanging.append(process)
    for process in hanging:
        kill_with_children(process.pid)
        process.wait()
    return hanging


def kill_with_children(process_id: int) -> None:
    """Kill a process and all its descendants at once, as if their machine were gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(process_id)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()

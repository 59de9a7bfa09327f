"""Real workers, started with RQ's command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PROJECT_ROOT = Path(__file__).resolve().parents[3]
FORKING = "rq_mon.MonitoredWorker"
SIMPLE = "rq_mon.MonitoredSimpleWorker"


class RQ:
    """RQ's command line, connected to one Redis."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log

    def work(self, *queues: str, worker_class: str = FORKING, options: tuple[str, ...] = ()) -> str:
        """Run a worker until its queues are empty; return its log."""
        return self.run("worker", "--burst", "--worker-class", worker_class, *options, *queues)

    def run(self, *command: str) -> str:
        """Run a command of RQ until it exits; return its output."""
        with self.start(*command) as process:
            process.wait(timeout=120)
        return self.log.read_text()

    @contextmanager
    def start(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command of RQ; kill it and its children at the end of the block."""
        full = [sys.executable, "-m", "rq.cli", command[0], "--url", self.url, *command[1:]]
        with self.log.open("ab") as log:
            process = subprocess.Popen(full, cwd=PROJECT_ROOT, stdout=log, stderr=log, env=os.environ.copy())
        try:
            yield process
        finally:
            kill_with_children(process)

    @contextmanager
    def start_worker(self, *queues: str, worker_class: str = FORKING) -> Iterator[subprocess.Popen[bytes]]:
        with self.start("worker", "--worker-class", worker_class, *queues) as process:
            yield process


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its work horse, as when their machine fails."""
    if process.poll() is not None:
        return
    parent = psutil.Process(process.pid)
    children = parent.children(recursive=True)
    for victim in (parent, *children):
        with suppress(psutil.NoSuchProcess):  # a work horse may have just ended
            victim.kill()
    process.wait()
    psutil.wait_procs(children, timeout=60)

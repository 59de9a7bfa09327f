"""An application that runs RQ 2.12 or 3.0 in its own environment."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

PROJECT_ROOT = Path(__file__).resolve().parents[3]
CODE = Path(__file__).with_name("application")

INTERPRETERS = {
    "2.12": PROJECT_ROOT / ".venv" / "bin" / "python",
    "3.0": PROJECT_ROOT / ".venv-rq3" / "bin" / "python",
}
"""By version of RQ. `make test-rq3` creates the second environment."""

MONITORED = ("--worker-class", "rq_mon.MonitoredWorker")


class Application:
    """Its processes run in its folder, with our package for monitored workers."""

    def __init__(self, rq: str, url: str, directory: Path) -> None:
        self.python = INTERPRETERS[rq]
        self.url = url
        self.packed = directory / "packed"
        """The job in the queue `packing` runs until this file exists."""
        self._log = directory / "application.log"
        self._processes: list[psutil.Popen] = []

    @property
    def log(self) -> str:
        return self._log.read_text()

    def enqueue(self) -> None:
        """Fill its queues."""
        self._start("shop.enqueue", self.url, str(self.packed)).wait(60)

    def work(self, *queues: str, options: Sequence[str] = ()) -> None:
        """Start `rq worker`."""
        self._start("rq.cli", "worker", "--url", self.url, *options, *queues)

    def work_as_pool(self, *queues: str, workers: int, options: Sequence[str] = ()) -> None:
        """Start `rq worker-pool`."""
        number = ("--num-workers", str(workers))
        self._start("rq.cli", "worker-pool", "--url", self.url, *number, *options, *queues)

    def freeze(self) -> None:
        """Freeze all of its processes."""
        for process in self._all_processes():
            process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Kill all of its processes at once."""
        processes = self._all_processes()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=20)

    def _all_processes(self) -> list[psutil.Process]:
        alive = [process for process in self._processes if process.poll() is None]
        return [each for process in alive for each in (process, *process.children(recursive=True))]

    def _start(self, module: str, *arguments: str) -> psutil.Popen:
        with self._log.open("ab") as log:
            process = psutil.Popen(
                [str(self.python), "-m", module, *arguments],
                cwd=CODE,
                env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

"""The Docker engine of this machine: tests share it, and one of them restarts it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

import psutil

from proofs.harness.waiting import wait_until
from stack.compose.docker import Docker

PID_FILE = Path("/var/run/docker.pid")


class EngineLock:
    """Held by each file of tests. A test that holds it exclusively may restart the engine."""

    def __init__(self) -> None:
        self._file = (Path(tempfile.gettempdir()) / "rq-mon-tests-engine.lock").open("a")

    def share(self) -> None:
        """Hold it together with others; wait while one holds it exclusively."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def hold_alone(self) -> None:
        """Wait until no other process holds it."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        self._file.close()


def restart_engine() -> None:
    """End dockerd as the shutdown of a machine does, and start it with the same arguments."""
    if Path("/run/systemd/system").exists():
        subprocess.run(["systemctl", "restart", "docker"], check=True, timeout=300)
    else:
        _restart(psutil.Process(int(PID_FILE.read_text())))
    wait_until(lambda: Docker(os.environ).engine_answers(), "the engine to answer", within=180, every=1)


def _restart(dockerd: psutil.Process) -> None:
    command, environment = dockerd.cmdline(), dockerd.environ()
    log_path = Path(f"/proc/{dockerd.pid}/fd/1").readlink()
    dockerd.terminate()
    dockerd.wait(timeout=300)
    with (log_path if log_path.is_absolute() else Path(os.devnull)).open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", *command],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )

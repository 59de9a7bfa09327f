"""Ending and killing processes, with real ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil

from proofs.harness.processes import end, kill_with_children, start_python
from proofs.harness.waiting import wait_until

DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""
OBEDIENT = "import time; print('ready', flush=True); time.sleep(600)"


def start(tmp_path: Path, name: str, code: str) -> subprocess.Popen[bytes]:
    log = tmp_path / name
    process = start_python("-c", code, cwd=tmp_path, environment=os.environ, log=log)
    wait_until(log.read_text, f"a word of {name}")
    return process


def child_of(tmp_path: Path, name: str) -> psutil.Process:
    return psutil.Process(int((tmp_path / name).read_text().split()[1]))


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_end_returns_only_processes_that_had_to_be_killed_and_kills_their_children(tmp_path: Path) -> None:
    obedient, other = (start(tmp_path, name, OBEDIENT) for name in ("obedient", "other"))
    deaf = start(tmp_path, "deaf", DEAF)
    child = child_of(tmp_path, "deaf")
    other.kill()
    other.wait()

    assert end([obedient, deaf, other], within=10) == [deaf]

    assert (obedient.returncode, deaf.returncode) == (-15, -9)
    wait_until(lambda: is_over(child), "the end of the child")


def test_a_process_is_killed_with_its_descendants_and_an_ended_one_is_no_error(tmp_path: Path) -> None:
    deaf = start(tmp_path, "deaf", DEAF)
    child = child_of(tmp_path, "deaf")

    kill_with_children(deaf.pid)

    assert deaf.wait() == -9
    wait_until(lambda: is_over(child), "the end of the child")
    kill_with_children(deaf.pid)

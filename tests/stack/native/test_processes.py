"""The processes of a stack are found by their mark, anywhere in the process tree, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from proofs.harness.waiting import wait_until
from stack.native.processes import MARK, SERVICE_NAME, end_all, processes_of

# A parent with a child that shares its environment, as a worker and its work horse do. The parent takes
# SIGTERM as a worker does: it lets the child end. The child dies of SIGTERM.
WORKER = """
import os, pathlib, signal, sys, time
folder, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
child = os.fork()
if child == 0:
    time.sleep(seconds)
    (folder / "job-ended").touch()
    os._exit(0)
def warm_shutdown(*_):
    os.waitpid(child, 0)
    os._exit(0)
signal.signal(signal.SIGTERM, warm_shutdown)
(folder / "child").write_text(str(child))
(folder / "ready").touch()
while True:
    time.sleep(60)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes started by the test, which end after it with their children."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        for below in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            below.kill()
        process.kill()
        process.wait()


def start(started: list[subprocess.Popen[bytes]], directory: Path, *command: str, service: str = "x") -> int:
    environment = os.environ | {MARK: str(directory), SERVICE_NAME: service}
    started.append(subprocess.Popen(command, env=environment))
    return started[-1].pid


def start_worker(
    started: list[subprocess.Popen[bytes]], directory: Path, job_seconds: float
) -> tuple[int, int]:
    """Start a worker with a running job; return the ids of both processes."""
    worker = start(started, directory, sys.executable, "-c", WORKER, str(directory), str(job_seconds))
    wait_until((directory / "ready").exists, "the worker")
    return worker, int((directory / "child").read_text())


def numbers(directory: Path) -> set[int]:
    return {process.pid for process in processes_of(directory)}


def test_only_processes_with_the_mark_of_this_stack_are_found(
    started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    ours = start(started, tmp_path / "ours", "sleep", "60")
    start(started, tmp_path / "theirs", "sleep", "60")
    started.append(subprocess.Popen(["sleep", "60"]))

    assert numbers(tmp_path / "ours") == {ours}


def test_a_process_is_found_after_its_parent_has_ended(
    started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    worker, job = start_worker(started, tmp_path, job_seconds=60)

    os.kill(worker, signal.SIGKILL)
    started[0].wait()

    assert numbers(tmp_path) == {job}
    end_all(tmp_path, grace=5)
    assert numbers(tmp_path) == set()


def test_a_running_job_ends_before_its_worker(started: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    start_worker(started, tmp_path, job_seconds=1)

    end_all(tmp_path, grace=20)

    assert (tmp_path / "job-ended").exists()
    assert numbers(tmp_path) == set()


def test_a_job_that_exceeds_the_grace_period_is_killed(
    started: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    start_worker(started, tmp_path, job_seconds=60)

    before = time.monotonic()
    end_all(tmp_path, grace=0.5)

    assert time.monotonic() - before < 45
    assert numbers(tmp_path) == set()
    assert not (tmp_path / "job-ended").exists()


def test_redis_ends_after_the_jobs(started: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    start_worker(started, tmp_path, job_seconds=1)
    script = f"trap 'test -e {tmp_path}/job-ended && touch {tmp_path}/in-order; exit' TERM; sleep 60 & wait"
    start(started, tmp_path, "sh", "-c", script, service="redis")

    end_all(tmp_path, grace=20)

    assert (tmp_path / "in-order").exists()
    assert numbers(tmp_path) == set()


@pytest.mark.slow
def test_the_calling_process_does_not_end_itself(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from stack.native.processes import end_all;"
        f" end_all(Path({str(tmp_path)!r}), 5)"
    )

    result = subprocess.run(
        ["sh", "-c", f'{sys.executable} -c "{code}"'], env=os.environ | {MARK: str(tmp_path)}
    )

    assert result.returncode == 0

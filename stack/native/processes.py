"""The processes of a native stack, recognised only by a mark in their environment.

Every process inherits the mark, so work horses and the children of jobs are found, too. Names and pid files
play no role: after a crash of supervisord they could match another process, or miss one of the stack's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from stack.services import REDIS

MARK = "RQ_MON_STACK"
"""The variable with the state directory of the stack that owns a process."""

SERVICE_NAME = "SUPERVISOR_PROCESS_NAME"
"""Set by supervisord for its children."""

READABLE_ENVIRONMENT = {"SPT_NOENV": "1"}
"""For each marked process. RQ renames its processes if setproctitle is installed. By default that
overwrites the environment, and with it the mark.
"""

KILL_TIMEOUT = 5.0
POLL = 0.1


def belongs_to(directory: Path, process: psutil.Process) -> bool:
    """Return whether the stack with this state directory started the process."""
    return _environment(process).get(MARK) == str(directory)


def processes_of(directory: Path) -> list[psutil.Process]:
    """Return all processes of the stack, except the caller and its ancestors."""
    here = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in here and belongs_to(directory, process)
    ]


def program_names_of(directory: Path) -> set[str]:
    """Return the supervisord program names of these processes."""
    return {_environment(process).get(SERVICE_NAME, "") for process in processes_of(directory)} - {""}


def is_frozen(pid: int) -> bool:
    """Return whether a signal (SIGSTOP) has stopped the process."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False


def wake(pid: int) -> None:
    """Continue a frozen process and all its descendants, so that they can handle SIGTERM."""
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (*top.children(recursive=True), top):
            if is_frozen(process.pid):
                process.resume()


def end_all(directory: Path, grace: float) -> None:
    """End every process of the stack, Redis last. After `grace` seconds SIGKILL ends the rest.

    SIGTERM goes to the top of each process tree first, so that a worker waits for its job. Sent to the work
    horse, it would kill the job.
    """
    found = processes_of(directory)
    _kill([process for process in found if SERVICE_NAME not in _environment(process)])  # supervisord
    _end([process for process in found if not _is_redis(process)], grace)
    _end(processes_of(directory), grace)


def wait_until_ended(processes: Iterable[psutil.Process], within: float) -> list[psutil.Process]:
    """Return the processes that are still alive after these seconds; return early if none is.

    Zombies count as ended: their parent may never reap them (PID 1 in a container).
    """
    deadline = time.monotonic() + within
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(POLL)
    return alive


def _end(alive: list[psutil.Process], grace: float) -> None:
    deadline = time.monotonic() + grace
    asked: set[psutil.Process] = set()
    while alive and time.monotonic() < deadline:
        for process in _tops(alive) - asked:
            asked.add(process)
            with contextlib.suppress(psutil.Error):
                process.terminate()
                wake(process.pid)
        alive = wait_until_ended(alive, POLL)
    _kill(alive)


def _tops(processes: Sequence[psutil.Process]) -> set[psutil.Process]:
    """Return the processes whose parent is not in the list."""
    numbers = {process.pid for process in processes}
    tops = set()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in numbers:
                tops.add(process)
    return tops


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait_until_ended(processes, KILL_TIMEOUT)


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _is_redis(process: psutil.Process) -> bool:
    return _environment(process).get(SERVICE_NAME) == REDIS.name


def _environment(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ()
    return {}  # it has ended, or it belongs to another user

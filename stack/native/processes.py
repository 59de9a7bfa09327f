"""The processes of a native stack, recognised by a mark in their environment and by nothing else.

Every process inherits the mark, so work horses and what a job started are found too, and after a crash of
supervisord nothing is taken for ours, or overlooked, because of its name or a number in an old file.
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
"""The variable that holds the state directory of the stack that a process belongs to."""

SERVICE_NAME = "SUPERVISOR_PROCESS_NAME"
"""Set by supervisord for its children."""

READABLE_ENVIRONMENT = {"SPT_NOENV": "1"}
"""For each process with a mark. RQ renames its processes where setproctitle is installed, which by default
writes the new name over the environment that others see. Redis has `set-proc-title no` for the same reason.
"""

KILL_TIMEOUT = 5.0
POLL = 0.1


def belongs_to(directory: Path, process: psutil.Process) -> bool:
    """Tell whether the process was started by the stack whose state directory this is."""
    return _environment(process).get(MARK) == str(directory)


def processes_of(directory: Path) -> list[psutil.Process]:
    """Return all processes of the stack, but for the one that asks and those that it runs in."""
    here = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in here and belongs_to(directory, process)
    ]


def program_names_of(directory: Path) -> set[str]:
    """Return the names of supervisord's programs of which processes are there."""
    return {_environment(process).get(SERVICE_NAME, "") for process in processes_of(directory)} - {""}


def is_frozen(pid: int) -> bool:
    """Tell whether a signal (SIGSTOP) keeps the process from running."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False


def wake(pid: int) -> None:
    """Let a frozen process and all below it go on: it hears of SIGTERM only then."""
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (*top.children(recursive=True), top):
            if is_frozen(process.pid):
                process.resume()


def end_all(directory: Path, grace: float) -> None:
    """End every process of the stack, Redis last; SIGKILL for those still there after `grace` seconds.

    SIGTERM goes from the top of each process tree down: a worker ends when its job has ended, whereas the
    work horse below it would die in the middle of the job.
    """
    found = processes_of(directory)
    _kill([process for process in found if SERVICE_NAME not in _environment(process)])  # supervisord restarts
    _end([process for process in found if not _is_redis(process)], grace)
    _end(processes_of(directory), grace)


def wait_until_ended(processes: Iterable[psutil.Process], within: float) -> list[psutil.Process]:
    """Return those that are alive after these seconds, or nothing as soon as none is.

    A zombie has ended, although its parent may never reap it. In a container
    the first process may never look.
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
    """Return those whose parent is not among them."""
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
    return {}  # it has ended, or belongs to another user

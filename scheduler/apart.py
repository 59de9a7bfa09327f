"""Runs the application's callbacks in a separate process, where they may hang, exit or crash."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

LOOK_SECONDS = 0.02
GRACE_SECONDS = 1.0
"""Seconds in which a process that timed out may still clean up."""

RETURNED_FALSE = 112
"""Exit code for False; 0 is for all other return values."""


class EndedBadlyError(RuntimeError):
    """The process was killed or exited; the message says how."""


def run_apart(call: Callable[[], object], seconds: float, meanwhile: Callable[[], None]) -> bool:
    """Run a call in a fork of this process, and wait for it. Return False if the call returned False.

    Args:
        call: the function to run; its changes in memory are lost.
        seconds: time after which it is killed.
        meanwhile: called repeatedly while it runs.

    Raises:
        EndedBadlyError: it did not return.
    """
    child = os.fork()
    if child == 0:
        _run_and_exit(call)
    status = _wait(child, time.monotonic() + seconds, meanwhile)
    if os.WIFSIGNALED(status):
        raise EndedBadlyError(
            f"its process was killed by signal {os.WTERMSIG(status)}, if not for {seconds:g} s"
        )
    code = os.WEXITSTATUS(status)
    if code not in (0, RETURNED_FALSE):
        raise EndedBadlyError(f"it ended its process with exit code {code}")
    return code != RETURNED_FALSE


def _run_and_exit(call: Callable[[], object]) -> None:
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        code = RETURNED_FALSE if call() is False else 0
    finally:
        os._exit(code)


def _wait(child: int, deadline: float, meanwhile: Callable[[], None]) -> int:
    """Return the exit status of the child, which is killed after its time limit."""
    signal.alarm(0)  # RQ's own alarm for a callback may arrive between the child's end and our waitpid
    try:
        while time.monotonic() <= deadline and not _has_ended(child):
            meanwhile()
            time.sleep(LOOK_SECONDS)
    finally:
        status = _end(child)
    return status


def _has_ended(child: int) -> bool:
    """Return whether the child has ended, without reaping it: a later signal must not hit another process."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(child: int) -> int:
    os.kill(child, signal.SIGKILL)  # has no effect on a process that ended
    return os.waitpid(child, 0)[1]

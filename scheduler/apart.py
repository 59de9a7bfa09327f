"""Runs the application's hooks in a process of their own: they may hang, exit or crash without harm."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

LOOK_SECONDS = 0.02
GRACE_SECONDS = 1.0
"""What has run out of time may still tidy up for so long."""

RETURNED_FALSE = 112
"""Exit code; 0 is everything else that may be returned."""


class EndedBadlyError(RuntimeError):
    """The process was killed, or ended itself; the message says how."""


def run_apart(call: Callable[[], object], seconds: float, meanwhile: Callable[[], None]) -> bool:
    """Call in a fork of this process, and wait for it; tell whether it returned anything but False.

    Args:
        call: what to run; what it changes in memory is lost.
        seconds: after which it is killed.
        meanwhile: called again and again while it runs.

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
    """Return the status with which the child ended, or was killed when its time was over."""
    signal.alarm(0)  # RQ's own for a callback: it might come between the child's end and our knowing of it
    try:
        while time.monotonic() <= deadline and not _has_ended(child):
            meanwhile()
            time.sleep(LOOK_SECONDS)
    finally:
        status = _end(child)
    return status


def _has_ended(child: int) -> bool:
    """Tell without taking note of it, so that there is something to end whatever signal comes now."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(child: int) -> int:
    os.kill(child, signal.SIGKILL)  # nothing to one that has ended
    return os.waitpid(child, 0)[1]

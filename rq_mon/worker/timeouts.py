"""Ends what takes too long, also where RQ's exception would be lost.

RQ raises it in a signal handler, once. In a log call `logging` catches it. A job that logs a lot would go on
until its worker kills its work horse, a minute after the timeout.
"""

from __future__ import annotations

import signal
from types import FrameType

from rq.timeouts import UnixSignalDeathPenalty

from rq_mon.worker.interrupted import is_in

SECONDS_TO_LOG = 0.01
"""Until the next try."""


class DeathPenaltyAfterLogging(UnixSignalDeathPenalty):
    """RQ's timeout by SIGALRM, which waits for the end of a log call."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """Raise, or try again soon."""
        if is_in(frame, "logging"):
            signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_LOG)  # RQ's alarm(0) ends this one, too
        else:
            super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]

"""Finds out what code a signal interrupted: a handler may not do everything everywhere."""

from __future__ import annotations

from types import FrameType


def is_in(frame: FrameType | None, package: str) -> bool:
    """Return whether the signal interrupted code of a package, or code that it called.

    Args:
        frame: the frame that the signal handler received.
        package: a top-level one, such as `logging`, which catches every exception of its handlers.
    """
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False

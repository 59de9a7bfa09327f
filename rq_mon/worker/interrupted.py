"""What a signal interrupts decides what its handler may do."""

from __future__ import annotations

from types import FrameType


def is_in(frame: FrameType | None, package: str) -> bool:
    """Tell whether a signal came during a call of anything in the package.

    Args:
        frame: what the signal handler was called with.
        package: a top-level one, such as `logging`, which catches whatever its handlers raise.
    """
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False

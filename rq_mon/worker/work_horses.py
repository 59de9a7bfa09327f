"""How a work horse ended that did not record its job's end, and what of a failure's text Redis can keep."""

from __future__ import annotations

import os

from rq_mon.catalogue import FAILURE_NOT_RECORDED, WORK_HORSE_EXITED, WORK_HORSE_KILLED

EXIT_NOT_RECORDED = 113
"""Exit code of a work horse that could not record how its job ended; RQ's is 1, as of any other exit."""

LONGEST_LINE = 5_000
LONGEST_TEXT = 200_000
"""Characters that are kept of a line and of a whole traceback."""


def exception_of(status: int | None) -> str:
    """Return what an end of this status, as `os.wait` tells it, counts as."""
    if status is None or not os.WIFEXITED(status):
        return WORK_HORSE_KILLED
    return FAILURE_NOT_RECORDED if os.WEXITSTATUS(status) == EXIT_NOT_RECORDED else WORK_HORSE_EXITED


def recordable(text: str) -> str:
    """Return a failure's text without what RQ cannot write, with long lines and then its middle cut out.

    The class of the exception is at the head of its message, and the message at the end of the text.
    """
    if len(text) > LONGEST_LINE:
        text = "\n".join(_cut(line, LONGEST_LINE) for line in text.split("\n"))
    return _cut(text, LONGEST_TEXT).encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters left out ... {text[-half:]}"

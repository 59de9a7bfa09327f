"""What RQ keeps of a failure is text: which exception it tells of, and the line that says so."""

from __future__ import annotations

import re

from rq_mon.catalogue import ABANDONED, MAX_RETRIES_EXCEEDED, WORK_HORSE_KILLED

STOPPED = "stopped"
"""Stands for the exception of a job that somebody stopped."""

UNKNOWN_EXCEPTION = "unknown"
"""Stands for an exception where nothing is kept of it, or something that is no traceback."""

RQS_OWN_WORDS = {
    "Work-horse terminated unexpectedly": WORK_HORSE_KILLED,
    "Job stopped by user": STOPPED,
    f"Moved to FailedJobRegistry, due to {ABANDONED}": ABANDONED,
    "Job was stuck in intermediate queue": ABANDONED,
}
"""How RQ begins, in place of a traceback, where the job did not raise -> what the metrics call it."""

FRAME = re.compile(r'^  File "', re.MULTILINE)
EXCEPTION_LINE = re.compile(r"^(?![ \t])(?P<path>[\w.<>]+)(?::|$)", re.MULTILINE)


def exception_of(text: str) -> tuple[str, str]:
    """Return the class of the exception, named as the metrics name it, and the line that tells of it.

    Args:
        text: a traceback, or RQ's own words; empty if nothing is kept.
    """
    for words, exception in RQS_OWN_WORDS.items():
        if text.startswith(words):
            return exception, text.splitlines()[0]
    last_frame = max((frame.end() for frame in FRAME.finditer(text)), default=0)
    found = EXCEPTION_LINE.search(text, last_frame)
    if found is None:
        return UNKNOWN_EXCEPTION, next(iter(text.splitlines()), "")
    return found["path"].rpartition(".")[2], text[found.start() :].partition("\n")[0]


def exception_without_traceback(retries_exceeded: bool) -> str:
    """Return the class where RQ wrote no text: a job that asked for one retry too many raised nothing."""
    return MAX_RETRIES_EXCEEDED if retries_exceeded else UNKNOWN_EXCEPTION

"""Finds the exception in RQ's text of a failure, and the line with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from rq_mon.catalogue import ABANDONED, LONGEST_NAME, MAX_RETRIES_EXCEEDED, WORK_HORSE_KILLED
from rq_mon.state.work_horses import name_of_end

STOPPED = "stopped"
"""Name of the exception of a stopped job."""

UNKNOWN_EXCEPTION = "unknown"
"""Name of an exception for which there is no text, or no traceback."""

RQS_OWN_WORDS = {
    "Work-horse terminated unexpectedly": WORK_HORSE_KILLED,
    "Job stopped by user": STOPPED,
    f"Moved to FailedJobRegistry, due to {ABANDONED}": ABANDONED,
    "Job was stuck in intermediate queue": ABANDONED,
}
"""RQ's own texts for jobs that did not raise -> exception in the metrics."""

WORK_HORSE_DIED = re.compile(r"Work-horse terminated unexpectedly; waitpid returned (?P<status>\d+)")

LONGEST_LINE = 1000
"""Characters of a line that are read."""

HEADER = "Traceback (most recent call last):"
GROUP_HEADER = f"  + Exception Group {HEADER}"
GROUP_MARGIN = "  | "
IN_SUB_EXCEPTION = "    "
CHAINED = frozenset(
    {
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    }
)
FRAME_OF_RQ = re.compile(
    r'  File "[^"]*[/\\]rq[/\\](?:worker|queue)[^"]*", line \d+, in (?:perform_job|run_sync)\b'
)
"""RQ's frame that calls a job: the outermost exception came through it, its causes did not."""


@dataclass(slots=True)
class _Traceback:
    """One traceback in a text, without those in messages."""

    is_group: bool
    is_empty: bool = True
    is_of_rq: bool = False
    """Whether its first frame is RQ's."""
    last_line: str | None = None
    """The line with the exception; None until it has come."""


class FoundException(NamedTuple):
    """The exception found in a text."""

    exception: str
    """Exception class, as in the metrics."""
    line: str
    """The line with it."""
    is_certain: bool
    """Whether the rest of the text cannot change the result."""


def exception_of(lines: Iterable[str]) -> FoundException:
    """Return the outermost exception. Messages and notes may contain tracebacks; Python writes causes first.

    Args:
        lines: of a traceback, or of RQ's own text; empty if nothing is stored.
    """
    remaining = iter(lines)
    first = next(remaining, "")
    if died := WORK_HORSE_DIED.match(first):
        return FoundException(name_of_end(int(died["status"])), first, is_certain=True)
    for words, exception in RQS_OWN_WORDS.items():
        if first.startswith(words):
            return FoundException(exception, first, is_certain=True)
    found = _outermost(chain([first], remaining))
    if found is None or found.last_line is None:
        return FoundException(UNKNOWN_EXCEPTION, first, is_certain=False)
    path = found.last_line.partition(": ")[0].removesuffix(":")
    return FoundException(path.rpartition(".")[2][:LONGEST_NAME], found.last_line, found.is_of_rq)


def lines_of(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text that comes in parts, each cut after LONGEST_LINE bytes."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield _line(line)
        rest = rest[:LONGEST_LINE]
    if rest:
        yield _line(rest)


def exception_without_traceback(retries_exceeded: bool) -> str:
    """Return the class if RQ stored no text: a job that asked for too many retries raised nothing."""
    return MAX_RETRIES_EXCEEDED if retries_exceeded else UNKNOWN_EXCEPTION


def _line(line: bytes) -> str:
    return line[:LONGEST_LINE].decode(errors="replace").removesuffix("\r")


def _outermost(lines: Iterator[str]) -> _Traceback | None:
    """Return the last traceback of a chain; prefer those that came through RQ."""
    best: _Traceback | None = None
    current: _Traceback | None = None
    is_quoted = False
    before, before_that = "", ""
    for line in lines:
        if line in (HEADER, GROUP_HEADER) and (current is None or (not before and before_that in CHAINED)):
            current = _Traceback(is_group=line == GROUP_HEADER)
        elif current is not None:
            if current.last_line is None:
                _read_frame(current, line)
                if current.last_line is not None and (current.is_of_rq or not is_quoted):
                    best = current
            if current.last_line is not None and _quotes_traceback(current, line):
                if current.is_of_rq:
                    return best
                is_quoted = True  # later ones may be part of the message, except those that came through RQ
        before, before_that = line, before
    return best


def _read_frame(traceback: _Traceback, line: str) -> None:
    text = line.removeprefix(GROUP_MARGIN) if traceback.is_group else line
    if text and not text[0].isspace():
        traceback.last_line = text
    elif traceback.is_empty:
        traceback.is_empty = False
        traceback.is_of_rq = FRAME_OF_RQ.match(text) is not None


def _quotes_traceback(traceback: _Traceback, line: str) -> bool:
    """Return whether a line of a message begins a traceback; those in a group belong to its exceptions."""
    return HEADER in line and not (traceback.is_group and line.startswith(IN_SUB_EXCEPTION))

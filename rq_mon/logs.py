"""One log format for all processes of this package: text for people, or JSON for programs.

In JSON, each line is one object. A line about a job has job_id, queue and function, even if the job's own
code logged it. Arguments of jobs are never logged.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, NamedTuple, get_args

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)

LINE = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
TIME = "%Y-%m-%dT%H:%M:%S"

EXTRA_FIELDS = ("job_id", "queue", "function", "cron_job")
"""Fields that a log call may add with `extra`. All others are dropped: RQ adds a job's arguments."""

TRACEBACK = "Traceback (most recent call last):"
CONTINUATION = "\n    "
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class LoggedJob(NamedTuple):
    """The job that this process is working on, as its log lines show it."""

    job_id: str
    queue: str
    function: str


_current_job: LoggedJob | None = None
"""One for the whole process and its threads: a worker has one job at a time."""


def set_current_job(job: LoggedJob | None) -> None:
    """Add this job to all lines from now on, in this process and its forks."""
    global _current_job
    _current_job = job


@contextmanager
def without_current_job() -> Iterator[None]:
    """Leave the job out of the lines of this block."""
    job = _current_job
    set_current_job(None)
    try:
        yield
    finally:
        set_current_job(job)


def printable(line: str) -> str:
    r"""Return a line with escapes for non-printable characters, so that `\x1b` moves no cursor."""
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in line
    )


class _TextFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__(LINE, TIME)

    def format(self, record: logging.LogRecord) -> str:
        """Indent all lines but the first, and escape characters that would move a terminal's cursor.

        So no name or message can pass for a line of its own, or cover another.
        """
        lines = COLOR.sub("", super().format(record)).splitlines()
        return CONTINUATION.join(printable(line.expandtabs()) for line in lines)


class _JsonFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        message, traceback = _split_traceback(COLOR.sub("", record.getMessage()))
        fields: dict[str, object] = {
            "time": f"{self.formatTime(record, TIME)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        fields |= _current_job._asdict() if _current_job else {}
        fields |= {name: str(record.__dict__[name]) for name in EXTRA_FIELDS if name in record.__dict__}
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
        if traceback:
            fields["exception"] = traceback
        return json.dumps(fields)


def configure_logging(level: str, log_format: LogFormat) -> None:
    """Write log lines of `level` and above to standard output, in UTC; uncaught exceptions, too."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def _split_traceback(message: str) -> tuple[str, str]:
    """Split RQ's message of a failed job into its text and the traceback."""
    head, found, rest = message.partition(f"\n{TRACEBACK}")
    return head, (found + rest).strip()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("this process ends: %s", error, exc_info=(kind, error, trace))

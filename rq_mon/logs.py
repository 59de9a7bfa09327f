"""One style of log line for all processes of this package: text for people, or JSON for programs.

As JSON each line is one object, and one about a job holds job_id, queue and function: also what the job's own
code logs while it runs. Arguments of jobs are never in it.
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
"""What a log call may add by `extra`. Nothing else is taken from there: RQ adds a job's arguments."""

TRACEBACK = "Traceback (most recent call last):"
CONTINUATION = "\n    "
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class CurrentJob(NamedTuple):
    """The job that this process works on."""

    job_id: str
    queue: str
    function: str


_current_job: CurrentJob | None = None
"""For the whole process, also for threads that the job starts: a worker has one job at a time."""


def set_current_job(job: CurrentJob | None) -> None:
    """Add this job to all lines from now on, in this process and in those that it forks."""
    global _current_job
    _current_job = job


@contextmanager
def without_current_job() -> Iterator[None]:
    """Do something in between that is not about the current job."""
    job = _current_job
    set_current_job(None)
    try:
        yield
    finally:
        set_current_job(job)


def printable(line: str) -> str:
    r"""Return a line in which what is no printable character is its escape: `\x1b` then moves no cursor."""
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
        """Indent all lines but the first, and show what would move a terminal's cursor.

        So no name and no message can pass for a record of its own, or cover another.
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
    """RQ writes the traceback of a failed job into its message."""
    head, found, rest = message.partition(f"\n{TRACEBACK}")
    return head, (found + rest).strip()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("this process ends: %s", error, exc_info=(kind, error, trace))

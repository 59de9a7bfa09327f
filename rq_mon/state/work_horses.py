"""How a work horse ended without recording its job's end."""

from __future__ import annotations

import os

from rq_mon.catalogue import FAILURE_NOT_RECORDED, WORK_HORSE_EXITED, WORK_HORSE_KILLED

EXIT_NOT_RECORDED = 113
"""Exit code of a monitored worker's work horse that could not record its job's end; RQ's is 1."""


def name_of_end(status: int | None) -> str:
    """Return the exception for this wait status of `os.wait`."""
    if status is None or not os.WIFEXITED(status):
        return WORK_HORSE_KILLED
    return FAILURE_NOT_RECORDED if os.WEXITSTATUS(status) == EXIT_NOT_RECORDED else WORK_HORSE_EXITED

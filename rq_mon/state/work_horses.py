"""How a work horse ended that did not record its job's end."""

from __future__ import annotations

import os

from rq_mon.catalogue import FAILURE_NOT_RECORDED, WORK_HORSE_EXITED, WORK_HORSE_KILLED

EXIT_NOT_RECORDED = 113
"""Exit code of a monitored worker's work horse that could not record how its job ended; RQ's is 1."""


def name_of_end(status: int | None) -> str:
    """Return what an end of this status, as `os.wait` tells it, counts as."""
    if status is None or not os.WIFEXITED(status):
        return WORK_HORSE_KILLED
    return FAILURE_NOT_RECORDED if os.WEXITSTATUS(status) == EXIT_NOT_RECORDED else WORK_HORSE_EXITED

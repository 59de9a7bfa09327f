"""The ends of executions that the exporter should show, from Redis' append-only file."""

from __future__ import annotations

from collections import Counter

from proofs.fault_run.evidence import Evidence
from proofs.fault_run.recorded_ends import End

VANISHED_WITHIN = 60.0
"""Seconds after a loss of data within which a worker may find that its job is gone. Redis must first start
again and load its file."""


def uncounted(evidence: Evidence) -> Counter[End]:
    """Return the recorded ends that the exporter does not show."""
    return as_counted(evidence) - evidence.exported


def as_counted(evidence: Evidence) -> Counter[End]:
    """Return the recorded ends as they should be counted.

    An execution that was abandoned and ended after all counts once, as either. If Redis lost a job and its
    start, RQ records no end; the job's worker counts it as failed.
    """
    recorded = Counter(evidence.replay.ends) + Counter(vanished(evidence))
    for abandoned, ended in evidence.replay.late:
        if recorded[ended] < evidence.exported[ended]:
            recorded[abandoned] -= 1
            recorded[ended] += 1
    return recorded


def vanished(evidence: Evidence) -> list[End]:
    """Return the ends that only the workers know, because Redis lost the jobs in a power cut."""
    return [
        evidence.replay.end_of(job_id, "failed")
        for moment, job_id in evidence.vanished
        if any(loss.until <= moment <= loss.until + VANISHED_WITHIN for loss in evidence.losses)
    ]

"""The ends in Redis' file as the exporter should have them."""

from __future__ import annotations

from collections import Counter

from proofs.fault_run.evidence import Evidence
from proofs.fault_run.recorded_ends import End

VANISHED_WITHIN = 60.0
"""Seconds after Redis ended within which a worker finds that the job in its hand is gone: Redis has to be
there again, and loads its file first."""


def uncounted(evidence: Evidence) -> Counter[End]:
    """Return the recorded ends that the exporter does not have."""
    return as_counted(evidence) - evidence.exported


def as_counted(evidence: Evidence) -> Counter[End]:
    """Return the ends by Redis' file; one that was given up and ended after all counts once, as either.

    Where Redis has lost a job and its start, RQ records no end. Its worker counts it, as failed.
    """
    recorded = Counter(evidence.replay.ends) + Counter(vanished(evidence))
    for abandoned, ended in evidence.replay.late:
        if recorded[ended] < evidence.exported[ended]:
            recorded[abandoned] -= 1
            recorded[ended] += 1
    return recorded


def vanished(evidence: Evidence) -> list[End]:
    """Return the ends of executions that only their workers know, as Redis lost the jobs with its power."""
    return [
        evidence.replay.end_of(job_id, "failed")
        for moment, job_id in evidence.vanished
        if any(loss.until <= moment <= loss.until + VANISHED_WITHIN for loss in evidence.losses)
    ]

"""Deferred jobs that will never run: what they depend on failed, was cancelled or stopped, or is gone.

RQ enqueues a deferred job when one of its dependencies ends well and the others have. It tells nothing when
one ends otherwise, and keeps the job forever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rq.job import Job, JobStatus

from rq_mon.state.pipeline import Reading, fair_share
from rq_mon.state.values import job_key

IDS_PER_QUEUE = 200
"""Those deferred first: what is stuck stays, and so comes to the front."""
IDS_IN_ALL = 2000
"""Shared by the queues that have deferred jobs."""

DEPENDENCIES_PER_JOB = 20
"""About this many: Redis may return a small set as a whole. A job with more counts as stuck if one of those
looked at never ends well."""

DEPENDENCIES_KEY = Job.redis_job_namespace_prefix.encode() + b":%b:dependencies"

NEVER_MET = {status.value.encode() for status in (JobStatus.CANCELED, JobStatus.STOPPED)}
FAILED = JobStatus.FAILED.value.encode()
OVER = {JobStatus.FINISHED.value.encode(), FAILED, None}
"""Status of a dependency that no longer enqueues anything; None: it is gone. RQ takes that for met."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A deferred job, and what it waits for."""

    may_dependencies_fail: bool
    dependencies: frozenset[bytes]
    are_all_known: bool

    def is_stuck(self, statuses: Mapping[bytes, bytes | None]) -> bool:
        """Whether its dependencies, each by itself, keep it from ever running."""
        seen = {statuses[each] for each in self.dependencies}
        if seen & NEVER_MET or (FAILED in seen and not self.may_dependencies_fail):
            return True
        return self.are_all_known and seen <= OVER


def read_stuck_deferred(registries: Sequence[bytes]) -> Reading[list[int | None]]:
    """Return how many jobs of each registry of deferred jobs are stuck; None where that cannot be known."""
    share = fair_share(len(registries), IDS_PER_QUEUE, IDS_IN_ALL)
    pages = yield [("ZRANGE", key, 0, share - 1) for key in registries]
    ids = [*chain.from_iterable(page or () for page in pages)]
    replies = yield [
        *(("HMGET", job_key(i), "dependency_id", "allow_dependency_failures") for i in ids),
        *(("SSCAN", DEPENDENCIES_KEY % i, 0, "COUNT", DEPENDENCIES_PER_JOB) for i in ids),
    ]
    jobs = {
        job_id: _deferred(row, scan)
        for job_id, row, scan in zip(ids, replies, replies[len(ids) :], strict=False)
    }
    dependencies = [*frozenset().union(*(job.dependencies for job in jobs.values()))]
    # Dependencies first: a job that one of them enqueues meanwhile is then seen to be deferred no longer.
    statuses = yield [("HGET", job_key(job_id), "status") for job_id in [*dependencies, *jobs]]
    still = {
        job_id: jobs[job_id]
        for job_id, status in zip(jobs, statuses[len(dependencies) :], strict=True)
        if status == JobStatus.DEFERRED.value.encode()
    }
    stuck = _stuck(still, dict(zip(dependencies, statuses, strict=False)))
    return [None if page is None else sum(job_id in stuck for job_id in page) for page in pages]


def _deferred(row: Sequence[bytes | None] | None, scan: Any) -> Deferred:
    first, may_fail = row or (None, None)
    cursor, members = scan or (b"0", ())
    return Deferred(
        may_dependencies_fail=may_fail == b"1",
        dependencies=frozenset([*members, *([first] if first else ())]),
        are_all_known=int(cursor) == 0,
    )


def _stuck(jobs: Mapping[bytes, Deferred], statuses: Mapping[bytes, bytes | None]) -> set[bytes]:
    """Return the jobs that are stuck, those included that depend on a stuck one."""
    waiting_for: dict[bytes, list[bytes]] = {}
    for job_id, job in jobs.items():
        for dependency in job.dependencies:
            waiting_for.setdefault(dependency, []).append(job_id)
    found: set[bytes] = set()
    new = [job_id for job_id, job in jobs.items() if job.is_stuck(statuses)]
    while new:
        job_id = new.pop()
        if job_id not in found:
            found.add(job_id)
            new += waiting_for.get(job_id, ())
    return found

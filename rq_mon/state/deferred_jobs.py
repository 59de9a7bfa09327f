"""Deferred jobs that will never run: a job they depend on failed, was cancelled or stopped, or is gone.

RQ enqueues a deferred job once all its dependencies have succeeded. If one ends otherwise, RQ reports nothing
and keeps the deferred job forever.
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
"""Number of deferred jobs that are checked, the oldest first: stuck jobs stay and move to the front."""
IDS_IN_ALL = 2000
"""The limit for all queues with deferred jobs together."""

DEPENDENCIES_PER_JOB = 20
"""Dependencies per job that are checked, about: Redis may return a small set as a whole. A job with more is
stuck if one of those checked can never succeed.
"""

DEPENDENCIES_KEY = Job.redis_job_namespace_prefix.encode() + b":%b:dependencies"

NEVER_MET = {status.value.encode() for status in (JobStatus.CANCELED, JobStatus.STOPPED)}
FAILED = JobStatus.FAILED.value.encode()
OVER = {JobStatus.FINISHED.value.encode(), FAILED, None}
"""Statuses of a dependency that will not enqueue its dependents. None: it is gone, which RQ takes for met."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A deferred job and its dependencies."""

    may_dependencies_fail: bool
    dependencies: frozenset[bytes]
    are_all_known: bool

    def is_stuck(self, statuses: Mapping[bytes, bytes | None]) -> bool:
        """Whether one of its own dependencies keeps it from ever running."""
        seen = {statuses[each] for each in self.dependencies}
        if seen & NEVER_MET or (FAILED in seen and not self.may_dependencies_fail):
            return True
        return self.are_all_known and seen <= OVER


def read_stuck_deferred(registries: Sequence[bytes]) -> Reading[list[int | None]]:
    """Return how many jobs of each deferred registry are stuck; None if that cannot be known."""
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
    # Dependencies first: if one of them enqueues a job meanwhile, the job is then seen as not deferred.
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
    """Return the stuck jobs, including those that depend on a stuck job."""
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

"""Groups failed jobs by queue, function and exception."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rq_mon.state.failed_jobs import FailedJob


@dataclass(slots=True)
class FailureGroup:
    """The failed jobs of one queue, function and exception."""

    newest: FailedJob
    """The example."""
    count: int = 0
    first_at: float | None = None
    last_at: float | None = None
    """Unix times; None if no job of the group has a failure time."""

    def add(self, job: FailedJob) -> None:
        """Add one job."""
        self.count += 1
        if job.failed_at is None:
            return
        if self.first_at is None or job.failed_at < self.first_at:
            self.first_at = job.failed_at
        if self.last_at is None or job.failed_at >= self.last_at:
            self.last_at, self.newest = job.failed_at, job


class FailureGroups:
    """Collects groups, with one job of each in memory."""

    def __init__(self, at_most: int | None = None) -> None:
        self._at_most = at_most
        self._groups: dict[tuple[str, str, str], FailureGroup] = {}
        self.without_group = 0
        """Number of jobs in groups beyond `at_most`."""

    def add(self, jobs: Iterable[FailedJob]) -> None:
        """Add these jobs to their groups."""
        for job in jobs:
            key = job.queue, job.function, job.exception
            group = self._groups.get(key)
            if group is None:
                if len(self._groups) == self._at_most:
                    self.without_group += 1
                    continue
                group = self._groups[key] = FailureGroup(job)
            group.add(job)

    @property
    def count(self) -> int:
        """Number of jobs in all groups, without those beyond `at_most`."""
        return sum(group.count for group in self._groups.values())

    def latest_first(self) -> list[FailureGroup]:
        """Return the groups, the latest failure first."""
        return sorted(self._groups.values(), key=lambda group: group.last_at or 0, reverse=True)

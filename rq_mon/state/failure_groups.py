"""Failed jobs grouped by what fails and why."""

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
    """Unix times; None if no job says when it failed."""

    def add(self, job: FailedJob) -> None:
        """Count one more."""
        self.count += 1
        if job.failed_at is None:
            return
        if self.first_at is None or job.failed_at < self.first_at:
            self.first_at = job.failed_at
        if self.last_at is None or job.failed_at >= self.last_at:
            self.last_at, self.newest = job.failed_at, job


class FailureGroups:
    """Collects groups; holds one job of each, however many there are."""

    def __init__(self, at_most: int | None = None) -> None:
        self._at_most = at_most
        self._groups: dict[tuple[str, str, str], FailureGroup] = {}
        self.without_group = 0
        """Jobs of groups beyond `at_most`."""

    def add(self, jobs: Iterable[FailedJob]) -> None:
        """Count these jobs."""
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
        """How many jobs all groups have, those without a group not counted."""
        return sum(group.count for group in self._groups.values())

    def latest_first(self) -> list[FailureGroup]:
        """Return the groups, the one that failed last first."""
        return sorted(self._groups.values(), key=lambda group: group.last_at or 0, reverse=True)

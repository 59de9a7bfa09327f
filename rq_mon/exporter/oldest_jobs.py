"""Keeps the age of a queue's oldest job while none is found, so that a stalled queue keeps its alert."""

from __future__ import annotations

from collections.abc import Mapping

from rq.job import JobStatus

from rq_mon.state.queues import QueueFacts


class OldestJobs:
    """Remembers between scrapes since when the oldest job of each queue has waited."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def fill_in(self, queues: Mapping[str, QueueFacts], now: float) -> None:
        """Set the age for queues whose ids have no job: that of the oldest job known before.

        If none was known, the age is the time since the first scrape that found the queue in this state.
        """
        since = {}
        for name, queue in queues.items():
            if not queue.jobs[JobStatus.QUEUED]:
                continue
            if queue.oldest_job_age is None:
                queue.oldest_job_age = max(0.0, now - self._since.get(name, now))
            since[name] = now - queue.oldest_job_age
        self._since = since

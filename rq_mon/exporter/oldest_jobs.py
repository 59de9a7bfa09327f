"""How old a queue's oldest job is while none is found: a queue that stands still must not lose its alert."""

from __future__ import annotations

from collections.abc import Mapping

from rq.job import JobStatus

from rq_mon.state.queues import QueueFacts


class OldestJobs:
    """Remembers from scrape to scrape since when the oldest job of each queue has waited."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def fill_in(self, queues: Mapping[str, QueueFacts], now: float) -> None:
        """Give queues whose ids lead to no job the age of the oldest job known before.

        Where none was known, it is the time since the first scrape that found the queue so.
        """
        since = {}
        for name, queue in queues.items():
            if not queue.jobs[JobStatus.QUEUED]:
                continue
            if queue.oldest_job_age is None:
                queue.oldest_job_age = max(0.0, now - self._since.get(name, now))
            since[name] = now - queue.oldest_job_age
        self._since = since

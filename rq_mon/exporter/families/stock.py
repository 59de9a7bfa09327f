"""rq-exporter's families: its own collector, unmodified, reads from a snapshot.

Statuses that it does not know are added to its family of jobs by status.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import REGISTRY
from prometheus_client.core import Metric as Family
from rq.job import JobStatus
from rq_exporter.collector import RQCollector

from rq_mon.catalogue import JOBS
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.queues import Count
from rq_mon.state.rate_limits import RATE_LIMITED
from rq_mon.state.workers import WorkerFacts

STATUSES_UNKNOWN_TO_STOCK = (JobStatus.CANCELED.value, RATE_LIMITED)


class HasSnapshot(Protocol):
    """Stands for the stock collector's `connection`, which it passes to the classes below."""

    @property
    def snapshot(self) -> Snapshot:
        """The facts of this scrape, read at first use, so inside the collector's timer."""


class StockWorker:
    """The part of `rq.Worker` that the stock collector uses."""

    def __init__(self, facts: WorkerFacts) -> None:
        self._facts = facts
        self.name = facts.name
        self.successful_job_count = facts.successful_jobs
        self.failed_job_count = facts.failed_jobs
        self.total_working_time = facts.working_time

    @classmethod
    def all(cls, scrape: HasSnapshot) -> list[StockWorker]:
        """Every worker that RQ lists."""
        return [cls(facts) for facts in scrape.snapshot.workers]

    def queue_names(self) -> Iterable[str]:
        """The names of its queues."""
        return self._facts.queues

    def get_state(self) -> str:
        """Its state."""
        return self._facts.state


class StockRegistry:
    """The part of a job registry that the stock collector uses."""

    def __init__(self, jobs: Count) -> None:
        self._jobs = jobs

    def get_job_count(self, cleanup: bool) -> Count:  # noqa: ARG002
        """Return the number of jobs in it."""
        return self._jobs


class StockQueue:
    """The part of `rq.Queue` that the stock collector uses."""

    def __init__(self, name: str, connection: HasSnapshot) -> None:
        jobs = connection.snapshot.queues[name].jobs
        self.name = name
        self.count = jobs[JobStatus.QUEUED]
        self.started_job_registry = StockRegistry(jobs[JobStatus.STARTED])
        self.finished_job_registry = StockRegistry(jobs[JobStatus.FINISHED])
        self.failed_job_registry = StockRegistry(jobs[JobStatus.FAILED])
        self.deferred_job_registry = StockRegistry(jobs[JobStatus.DEFERRED])
        self.scheduled_job_registry = StockRegistry(jobs[JobStatus.SCHEDULED])

    @classmethod
    def all(cls, scrape: HasSnapshot) -> list[StockQueue]:
        """Every queue that RQ knows."""
        return [cls(name, scrape) for name in scrape.snapshot.queues]


class StockFamilies:
    """rq-exporter's families. Only one instance can exist: it takes over the collector's global timer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._collector = RQCollector(worker_class=StockWorker, queue_class=StockQueue)
        # The constructor registers its summary in the global registry.
        REGISTRY.unregister(self._collector.summary)
        registry.register(self._collector.summary)

    def collect(self, scrape: HasSnapshot) -> list[Family]:
        """Return the families, without unreadable numbers.

        Raises:
            RedisError, TimeoutError: the snapshot could not be read.
        """
        collector = copy(self._collector)
        collector.connection = scrape
        families: list[Family] = list(collector.collect())
        for family in families:
            if family.name == JOBS.name:
                _add_statuses(family, scrape.snapshot)
            family.samples = [sample for sample in family.samples if sample.value is not None]
        return families


def _add_statuses(jobs: Family, snapshot: Snapshot) -> None:
    for name, queue in snapshot.queues.items():
        for status in STATUSES_UNKNOWN_TO_STOCK:
            labels = dict(zip(JOBS.labels, (name, status), strict=True))
            jobs.add_sample(JOBS.name, labels, queue.jobs.get(status))  # type: ignore[arg-type]

"""rq-exporter's families: its own collector, unmodified, is given what changed since the last scrape.

Statuses that it does not know are added to its family of jobs by status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import REGISTRY, Sample
from prometheus_client.core import Metric as Family
from rq.job import JobStatus
from rq_exporter.collector import RQCollector

from rq_mon.catalogue import JOBS
from rq_mon.exporter.blocks import Block
from rq_mon.exporter.families.build import KeptNumbers
from rq_mon.exporter.lines import Lines, WrittenSamples
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.memory import Group
from rq_mon.state.queues import Count, QueueJobs
from rq_mon.state.rate_limits import RATE_LIMITED
from rq_mon.state.workers import WorkerFacts

STATUSES_UNKNOWN_TO_STOCK = (JobStatus.CANCELED.value, RATE_LIMITED)


class HasSnapshot(Protocol):
    """A scrape."""

    @property
    def snapshot(self) -> Snapshot:
        """Its facts, read at first use."""


class Found(NamedTuple):
    """Stands for the stock collector's `connection`, which it passes to the classes below."""

    workers: Iterable[WorkerFacts] = ()
    queues: Mapping[str, QueueJobs] = MappingProxyType({})


class StockWorker:
    """The part of `rq.Worker` that the stock collector uses."""

    def __init__(self, facts: WorkerFacts) -> None:
        self._facts = facts
        self.name = facts.name
        self.successful_job_count = facts.successful_jobs
        self.failed_job_count = facts.failed_jobs
        self.total_working_time = facts.working_time

    @classmethod
    def all(cls, found: Found) -> list[StockWorker]:
        """Every worker found."""
        return [cls(facts) for facts in found.workers]

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

    def __init__(self, name: str, connection: Found) -> None:
        jobs = connection.queues[name].jobs
        self.name = name
        self.count = jobs[JobStatus.QUEUED]
        self.started_job_registry = StockRegistry(jobs[JobStatus.STARTED])
        self.finished_job_registry = StockRegistry(jobs[JobStatus.FINISHED])
        self.failed_job_registry = StockRegistry(jobs[JobStatus.FAILED])
        self.deferred_job_registry = StockRegistry(jobs[JobStatus.DEFERRED])
        self.scheduled_job_registry = StockRegistry(jobs[JobStatus.SCHEDULED])

    @classmethod
    def all(cls, found: Found) -> list[StockQueue]:
        """Every queue found."""
        return [cls(name, found) for name in found.queues]


class _Untimed:
    """Stands for the stock collector's timer: a scrape is timed once, not for each group."""

    def time(self) -> AbstractContextManager[None]:
        return nullcontext()


class StockFamilies:
    """rq-exporter's families. Only one instance can exist: it takes over the collector's global timer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._collector = RQCollector(worker_class=StockWorker, queue_class=StockQueue)
        self._timer = self._collector.summary
        # The constructor registers its summary in the global registry.
        REGISTRY.unregister(self._timer)
        registry.register(self._timer)
        self._collector.summary = _Untimed()

    def collect(self, scrape: HasSnapshot) -> list[Family]:
        """Return the families, without unreadable numbers.

        Raises:
            RedisError, TimeoutError: the snapshot could not be read.
        """
        with self._timer.time():
            workers, queues = scrape.snapshot.workers, scrape.snapshot.queues
        families = self._families(Found())
        for family in families:
            samples: WrittenSamples = _Collected(family.name, workers.groups, self._of_workers)
            if family.name == JOBS.name:
                statuses = KeptNumbers(
                    JOBS,
                    (
                        ((name, status), queue.jobs.get(status))
                        for name, queue in queues.facts.items()
                        for status in STATUSES_UNKNOWN_TO_STOCK
                    ),
                )
                samples = _Joined(_Collected(family.name, queues.groups, self._of_queues), statuses)
            family.samples = samples  # type: ignore[assignment]
        return families

    def _of_workers(self, workers: Group[Any]) -> list[Family]:
        return self._families(Found(workers=workers))

    def _of_queues(self, queues: Group[Any]) -> list[Family]:
        return self._families(Found(queues={queue.name: queue for queue in queues}))

    def _families(self, found: Found) -> list[Family]:
        collector = copy(self._collector)
        collector.connection = found
        families = [*collector.collect()]
        for family in families:
            family.samples = [sample for sample in family.samples if sample.value is not None]
        return families


Collect = Callable[[Group[Any]], list[Family]]


class _Collected(WrittenSamples):
    """The samples of one family for all groups; the lines of a group are written once."""

    def __init__(self, name: str, groups: Sequence[Group[Any]], collect: Collect) -> None:
        self._name = name
        self._groups = groups
        self._collect = collect

    def __iter__(self) -> Iterator[Sample]:
        for group in self._groups:
            for family in self._collect(group):
                if family.name == self._name:
                    yield from family.samples

    def write(self, lines: Lines) -> Iterator[str]:
        """Return the lines, which are the same in both formats."""
        for group in self._groups:
            written = group.made.get(_Collected)
            if written is None:
                written = group.made[_Collected] = {
                    family.name: lines.samples(family.samples) for family in self._collect(group)
                }
            yield written[self._name]


class _Joined(WrittenSamples):
    """The samples of several."""

    def __init__(self, *parts: WrittenSamples) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[Sample]:
        return chain.from_iterable(self._parts)

    def write(self, lines: Lines) -> Iterator[str | Block]:
        """Return their lines."""
        return chain.from_iterable(part.write(lines) for part in self._parts)

"""One scrape: turns a snapshot of Redis into metric families."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import family
from rq_mon.exporter.families.cron import cron_families
from rq_mon.exporter.families.exporter import exporter_families
from rq_mon.exporter.families.jobs import job_families
from rq_mon.exporter.families.objectives import objective_families
from rq_mon.exporter.families.queues import queue_families
from rq_mon.exporter.families.stock import StockFamilies
from rq_mon.exporter.families.workers import worker_families
from rq_mon.exporter.objectives import CurrentObjectives
from rq_mon.exporter.snapshot import RedisReader, Snapshot
from rq_mon.state.errors import Errors


class Scrape:
    """Reads its snapshot at the first use."""

    def __init__(self, reader: RedisReader) -> None:
        self._reader = reader
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The facts of this scrape. Raises RedisError or TimeoutError."""
        # No cached_property: before Python 3.12, its one lock for all instances makes scrapes wait.
        if self._snapshot is None:
            self._snapshot = self._reader.snapshot()
        return self._snapshot


class ScrapeCollector:
    """The only collector that reads Redis. All its families come from one snapshot, or there are none."""

    def __init__(
        self,
        reader: RedisReader,
        objectives: CurrentObjectives,
        errors: Errors,
        registry: CollectorRegistry,
        job_pages: str | None = None,
    ) -> None:
        self._reader = reader
        self._objectives = objectives
        self._errors = errors
        self._job_pages = job_pages
        self._stock = StockFamilies(registry)

    def describe(self) -> list[Family]:
        """Describe every family, so that registering needs no Redis, and `name[]` in a query works."""
        return [
            family(metric, ()) for metric in catalogue.CATALOGUE if metric is not catalogue.REQUEST_PROCESSING
        ]

    def collect(self) -> Iterator[Family]:
        """Read and yield all families; those about RQ are missing while Redis cannot be read."""
        scrape = Scrape(self._reader)
        try:
            stock = self._stock.collect(scrape)
        except Exception as error:
            self._errors.outage(error)
            yield from exporter_families(False, self._errors, self._job_pages)
            return
        self._errors.outage_is_over()
        yield from stock
        yield from job_families(scrape.snapshot, self._errors)
        yield from queue_families(scrape.snapshot)
        yield from worker_families(scrape.snapshot)
        yield from cron_families(scrape.snapshot)
        yield from objective_families(self._objectives, scrape.snapshot.queue_names())
        yield from exporter_families(True, self._errors, self._job_pages)

"""Metrics of the exporter itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

from prometheus_client.core import Metric as Family

from rq_mon import __version__, catalogue
from rq_mon.exporter.families.build import numbers
from rq_mon.state.errors import Errors


def exporter_families(is_up: bool, errors: Errors, job_pages: str | None) -> Iterator[Family]:
    """Yield whether Redis could be read, read errors, and the address of the job pages."""
    yield numbers(catalogue.REDIS_UP, [((), float(is_up))])
    yield numbers(
        catalogue.EXPORTER_ERRORS, [((reason,), count) for reason, count in errors.counts().items()]
    )
    yield numbers(catalogue.EXPORTER_BUILD_INFO, [(_versions(), 1)])
    yield numbers(catalogue.JOB_PAGES_INFO, [((job_pages,), 1)] if job_pages else [])


@cache
def _versions() -> tuple[str, str]:
    """Versions of this package and of RQ. Cached: looking them up takes as long as a small scrape."""
    return __version__, version("rq")

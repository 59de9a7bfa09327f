"""The monitoring itself."""

from __future__ import annotations

from collections.abc import Iterator

from drill.fault import expect, fault
from drill.stack import DrillStack
from stack.services import REDIS_EXPORTER, RQ_EXPORTER


@fault(expect("RQExporterDown"))
def exporter_stopped(stack: DrillStack) -> Iterator[None]:
    """The exporter is stopped."""
    with stack.stopped(RQ_EXPORTER):
        yield


@fault(expect("RQRedisMetricsMissing"))
def redis_exporter_stopped(stack: DrillStack) -> Iterator[None]:
    """The exporter of Redis' own metrics is stopped."""
    with stack.stopped(REDIS_EXPORTER):
        yield

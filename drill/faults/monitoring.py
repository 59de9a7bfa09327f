"""The monitoring itself."""

from __future__ import annotations

from collections.abc import Iterator

from drill import jobs
from drill.fault import expect, fault
from drill.stack import DrillStack
from scheduler import SHORT_RUNNING_QUEUE
from scheduler.job_series import waits_key
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


@fault(expect("RQExporterErrors"), expect("RQJobsNotCounted"))
def foreign_key(stack: DrillStack) -> Iterator[None]:
    """Another program overwrites a key that holds counts."""
    key = waits_key(SHORT_RUNNING_QUEUE)
    stack.redis.set(key, "not a hash")
    stack.enqueue(SHORT_RUNNING_QUEUE, jobs.succeed)
    yield
    stack.redis.delete(key)

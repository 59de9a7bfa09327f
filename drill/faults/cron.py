"""Cron jobs that are not enqueued."""

from __future__ import annotations

from collections.abc import Iterator

from drill.fault import expect, fault
from drill.stack import DrillStack
from stack.services import CRON_SCHEDULER


@fault(expect("RQCronSchedulerDown"))
def cron_scheduler_stopped(stack: DrillStack) -> Iterator[None]:
    """The only cron scheduler is stopped."""
    with stack.stopped(CRON_SCHEDULER):
        yield

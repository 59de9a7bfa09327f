"""Cron jobs that are not enqueued."""

from __future__ import annotations

from collections.abc import Iterator

from drill.configuration import GRACE_SECONDS
from drill.fault import expect, fault
from drill.stack import DrillStack
from scheduler import SHORT_RUNNING_QUEUE
from stack.services import CRON_SCHEDULER


@fault(expect("RQCronSchedulerDown"))
def cron_scheduler_stopped(stack: DrillStack) -> Iterator[None]:
    """The only cron scheduler is stopped."""
    with stack.stopped(CRON_SCHEDULER):
        yield


@fault(
    expect("RQCronTickMissed", queue=SHORT_RUNNING_QUEUE),
    consequences=(expect("RQCronSchedulerDown"),),
    within=90,
)
def tick_missed(stack: DrillStack) -> Iterator[None]:
    """No cron scheduler runs for longer than the grace time of a tick."""
    with stack.stopped(CRON_SCHEDULER):
        stack.wait_until_a_tick_is_late(GRACE_SECONDS)
    yield

"""Cron jobs that are not enqueued or that fail."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.drill import jobs
from proofs.drill.configuration import GRACE_SECONDS
from proofs.drill.cron_jobs import EVERY_TEN_SECONDS
from proofs.drill.fault import expect, fault
from proofs.drill.faults.jobs import COUNTERS, NEW_SERIES
from proofs.drill.stack import DrillStack
from rq_mon.catalogue import CRON_LAST_TICKS_KEY
from scheduler import SHORT_RUNNING_QUEUE
from scheduler.cron.entries import CronEntry
from stack.services import CRON_SCHEDULER

NIGHTLY = CronEntry(
    function=jobs.fail_until_fixed, cron=EVERY_TEN_SECONDS, queue_name="nightly", max_retries=None
)

GONE = CronEntry(function="application.gone", cron=EVERY_TEN_SECONDS, queue_name="audits", max_retries=None)


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


@fault(
    expect("RQCronJobOverdue", queue=SHORT_RUNNING_QUEUE),
    consequences=(
        expect("RQExporterErrors", reason="cron"),
        expect("RQCronTickMissed", queue=SHORT_RUNNING_QUEUE),
    ),
    within=120,
)
def cron_scheduler_fails(stack: DrillStack) -> Iterator[None]:
    """The cron scheduler runs but cannot claim a tick, because another program overwrote one of its keys."""
    with stack.overwritten(CRON_LAST_TICKS_KEY):
        yield


@fault(expect("RQCronJobFailing", queue=NIGHTLY.queue_name, adds=COUNTERS + NEW_SERIES))
def cron_job_fails(stack: DrillStack) -> Iterator[None]:
    """The function of a cron job fails at every tick."""
    with stack.workers(NIGHTLY.queue_name), stack.cron_job(NIGHTLY):
        try:
            yield
            stack.redis.set(jobs.FIXED_KEY, 1)
            stack.wait_until_over("RQCronJobFailing")
        finally:
            stack.redis.delete(jobs.FIXED_KEY)


@fault(
    expect("RQCronTickFailed", queue=GONE.queue_name),
    consequences=(expect("RQCronJobFailing", queue=GONE.queue_name),),
)
def cron_job_gone(stack: DrillStack) -> Iterator[None]:
    """The application no longer has the function of a cron job."""
    with stack.workers(GONE.queue_name), stack.cron_job(GONE):
        yield
    stack.delete_failed(GONE.queue_name)

"""Jobs that do not end as they should, or not in time."""

from __future__ import annotations

from collections.abc import Iterator

from drill import jobs
from drill.fault import expect, fault
from drill.stack import DrillStack
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.services import LONG_RUNNING_WORKER

ENOUGH_JOBS = 40
"""An error budget takes 20 at least."""


COUNTERS, RATES, HISTOGRAMS, OBJECTIVES = 15, 30, 60, 30
"""Seconds between evaluations of the recording rules that an alert reads, one group after the other."""


@fault(expect("RQWorkHorseKilled", queue=LONG_RUNNING_QUEUE, adds=COUNTERS))
def horse_killed(stack: DrillStack) -> Iterator[None]:
    """The process that runs a job is killed with -9, as the kernel does when memory is short."""
    stack.kill_horse(stack.enqueue(LONG_RUNNING_QUEUE, jobs.take, 60))
    yield


@fault(
    expect(
        "RQErrorBudgetBurn",
        queue="payments",
        objective="success",
        severity="critical",
        adds=COUNTERS + RATES + OBJECTIVES,
    ),
    consequences=(expect("RQErrorBudgetBurn", queue="payments", objective="success", severity="warning"),),
)
def half_of_the_jobs_fail(stack: DrillStack) -> Iterator[None]:
    """A function fails half the time."""
    with stack.workers("payments"):
        for number in range(ENOUGH_JOBS):
            stack.enqueue("payments", jobs.fail_every_second, number)
        yield


@fault(
    expect(
        "RQErrorBudgetBurn",
        queue="reports",
        objective="run",
        severity="critical",
        adds=HISTOGRAMS + OBJECTIVES,
    ),
    consequences=(expect("RQErrorBudgetBurn", queue="reports", objective="run", severity="warning"),),
    within=120,
)
def slow_jobs(stack: DrillStack) -> Iterator[None]:
    """Jobs take longer than the queue's objective allows."""
    with stack.workers("reports", count=4):
        for _ in range(ENOUGH_JOBS):
            stack.enqueue("reports", jobs.take, 3.5)
        yield
        stack.empty("reports")


@fault(expect("RQJobRunningTooLong", queue=SHORT_RUNNING_QUEUE, adds=3 * (30 - 2.5)))
def endless_job(stack: DrillStack) -> Iterator[None]:
    """A job runs far past its usual time."""
    job = stack.enqueue(SHORT_RUNNING_QUEUE, jobs.take, 100)
    stack.wait_for_horse(job)
    yield
    stack.stop_job(job)


@fault(
    expect("RQJobsAbandoned", queue=LONG_RUNNING_QUEUE, adds=37 + COUNTERS),
    expect("RQWorkersLost", queues=LONG_RUNNING_QUEUE, adds=8),
    within=120,
)
def worker_killed(stack: DrillStack) -> Iterator[None]:
    """A worker is killed with -9 in the middle of a job, and its work horse with it."""
    stack.wait_for_horse(stack.enqueue(LONG_RUNNING_QUEUE, jobs.take, 60))
    stack.kill(LONG_RUNNING_WORKER)
    yield

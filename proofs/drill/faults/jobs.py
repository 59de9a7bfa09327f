"""Jobs that fail, or that do not end in time."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.drill import jobs
from proofs.drill.fault import expect, fault
from proofs.drill.scale import SHORTEST_OFFSET
from proofs.drill.stack import DrillStack
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.services import LONG_RUNNING_WORKER

ENOUGH_JOBS = 40
"""An error budget alert needs at least 20."""
MANY_JOBS = 100
"""Its slow alert needs 50."""

COUNTERS, RATES, HISTOGRAMS, OBJECTIVES = 15, 30, 60, 30
"""Seconds between evaluations of the recording rules that an alert reads, one group after the other."""
NEW_SERIES = 30 - SHORTEST_OFFSET
"""Seconds for which they count a new series as 0."""
FOR_SUCCESS = COUNTERS + NEW_SERIES + RATES + OBJECTIVES


@fault(expect("RQWorkHorseKilled", queue=LONG_RUNNING_QUEUE, adds=COUNTERS + NEW_SERIES))
def horse_killed(stack: DrillStack) -> Iterator[None]:
    """The process that runs a job is killed with -9, as the kernel does when memory is short."""
    stack.kill_horse(LONG_RUNNING_WORKER, stack.enqueue(LONG_RUNNING_QUEUE, jobs.take, 60))
    yield


@fault(
    expect("RQErrorBudgetBurn", queue="payments", objective="success", severity="critical", adds=FOR_SUCCESS),
    consequences=(expect("RQErrorBudgetBurn", queue="payments", objective="success", severity="warning"),),
)
def half_of_the_jobs_fail(stack: DrillStack) -> Iterator[None]:
    """A function fails half the time."""
    with stack.workers("payments"):
        for number in range(ENOUGH_JOBS):
            stack.enqueue("payments", jobs.fail_every_second, number)
        yield


@fault(
    expect("RQErrorBudgetBurn", queue="invoices", objective="success", severity="warning", adds=FOR_SUCCESS),
    within=90,
)
def tenth_of_the_jobs_fails(stack: DrillStack) -> Iterator[None]:
    """A function fails one time in ten: too much for a month, too little for a page."""
    with stack.workers("invoices"):
        for number in range(MANY_JOBS):
            stack.enqueue("invoices", jobs.fail_every_tenth, number)
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


@fault(
    expect(
        "RQErrorBudgetBurn",
        queue="exports",
        objective="wait",
        severity="critical",
        adds=300 - 5 + HISTOGRAMS + OBJECTIVES,
    ),
    consequences=(
        expect("RQErrorBudgetBurn", queue="exports", objective="wait", severity="warning"),
        expect("RQQueueWaitTooLong", queue="exports"),
        expect("RQWorkersSaturated", queue="exports"),
    ),
    within=120,
)
def late_jobs(stack: DrillStack) -> Iterator[None]:
    """More jobs at once than the worker can start within the queue's objective."""
    with stack.workers("exports"):
        for _ in range(2 * ENOUGH_JOBS):
            stack.enqueue("exports", jobs.take, 0.4)
        yield


@fault(expect("RQJobRunningTooLong", queue=SHORT_RUNNING_QUEUE, adds=3 * (30 - 2.5)))
def endless_job(stack: DrillStack) -> Iterator[None]:
    """A job runs far past its usual time."""
    job = stack.enqueue(SHORT_RUNNING_QUEUE, jobs.take, 100)
    stack.wait_for_horse(job)
    try:
        yield
    finally:
        stack.stop_job(job)


@fault(
    expect("RQJobsAbandoned", queue=LONG_RUNNING_QUEUE, adds=37 + COUNTERS + NEW_SERIES),
    expect("RQWorkersLost", queues=LONG_RUNNING_QUEUE, adds=8),
    within=120,
)
def worker_killed(stack: DrillStack) -> Iterator[None]:
    """A worker is killed with -9 in the middle of a job, and its work horse with it."""
    stack.wait_for_horse(stack.enqueue(LONG_RUNNING_QUEUE, jobs.take, 60))
    stack.kill(LONG_RUNNING_WORKER)
    yield


@fault(
    expect("RQJobsStuck", queue="orphans", adds=8),
    consequences=(expect("RQWorkersLost", queues="orphans"), expect("RQJobsAbandoned", queue="orphans")),
    within=240,
)
def last_worker_killed(stack: DrillStack) -> Iterator[None]:
    """The last worker of a queue is killed with -9 in the middle of a job, and no other replaces it."""
    with stack.workers("orphans") as (worker,):
        stack.wait_for_horse(stack.enqueue("orphans", jobs.take, 100))
        stack.kill_worker(worker)
    try:
        yield
    finally:
        with stack.workers("orphans"):
            stack.wait_until_no_job_runs("orphans")

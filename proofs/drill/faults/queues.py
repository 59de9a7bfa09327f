"""Queues whose jobs do not start, or not in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

from proofs.drill import jobs
from proofs.drill.fault import MINUTE, expect, fault, filling
from proofs.drill.stack import DrillStack
from proofs.drill.worker import PLAIN, WITHOUT_SCHEDULER
from scheduler import SHORT_RUNNING_QUEUE
from stack.services import SHORT_RUNNING_WORKER

JOBS_A_SECOND = 15
MORE_THAN_TEN = 60
"""High enough for an increase of ten, even if Prometheus first sees the queue after some failures."""


@fault(
    expect("RQQueueWithoutWorkers", queue=SHORT_RUNNING_QUEUE),
    consequences=(expect("RQQueueWaitTooLong", queue=SHORT_RUNNING_QUEUE),),
)
def queue_without_workers(stack: DrillStack) -> Iterator[None]:
    """The only worker of a queue is stopped, and jobs come in."""
    with stack.stopped(SHORT_RUNNING_WORKER):
        stack.enqueue(SHORT_RUNNING_QUEUE, jobs.succeed)
        yield


@fault(
    expect("RQBacklogWillNotDrain", queue="uploads", adds=filling(10 * MINUTE)),
    consequences=(
        expect("RQQueueWaitTooLong", queue="uploads"),
        expect("RQWorkersSaturated", queue="uploads"),
    ),
    within=120,
)
def flood(stack: DrillStack) -> Iterator[None]:
    """More jobs come in than the worker can do."""
    over = threading.Event()

    def pour() -> None:
        while not over.wait(1):
            for _ in range(JOBS_A_SECOND):
                stack.enqueue("uploads", jobs.take, 0.5)

    pouring = threading.Thread(target=pour)
    with stack.workers("uploads"):
        pouring.start()
        try:
            yield
        finally:
            over.set()
            pouring.join()


@fault(expect("RQScheduledJobsOverdue", queue="mail", adds=filling(3 * MINUTE)))
def delayed_jobs_without_scheduler(stack: DrillStack) -> Iterator[None]:
    """Delayed jobs in a queue whose worker runs no RQ scheduler."""
    try:
        with stack.workers("mail", WITHOUT_SCHEDULER):
            stack.queue("mail").enqueue_in(timedelta(seconds=1), jobs.succeed)
            yield
    finally:
        with stack.workers("mail"):
            stack.wait_until_scheduled_jobs_are_gone("mail")


@fault(expect("RQDeferredJobsStuck", queue="orders"))
def cancelled_dependency(stack: DrillStack) -> Iterator[None]:
    """A job is cancelled that another one depends on."""
    first = stack.enqueue("orders", jobs.succeed)
    second = stack.queue("orders").enqueue(jobs.succeed, depends_on=first)
    first.cancel()
    try:
        yield
    finally:
        second.delete()
        first.delete()


@fault(expect("RQFailedJobsPilingUp", queue="legacy"))
def uncounted_failures(stack: DrillStack) -> Iterator[None]:
    """Jobs fail in a queue whose workers are RQ's own, and count nothing."""
    with stack.workers("legacy", PLAIN):
        stack.enqueue("legacy", jobs.succeed)
        stack.wait_until_prometheus_has('rq_jobs{queue="legacy", status="failed"} == 0')
        for _ in range(MORE_THAN_TEN):
            stack.enqueue("legacy", jobs.fail_every_second, 1)
        try:
            yield
        finally:
            stack.delete_failed("legacy")

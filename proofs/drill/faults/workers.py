"""Workers that hang or cannot keep up."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.drill import jobs
from proofs.drill.fault import MINUTE, expect, fault, filling
from proofs.drill.stack import DrillStack
from scheduler import LONG_RUNNING_QUEUE
from stack.services import LONG_RUNNING_WORKER


@fault(
    expect("RQQueueStalled", queue=LONG_RUNNING_QUEUE, adds=filling(5 * MINUTE)),
    expect("RQWorkersLost", queues=LONG_RUNNING_QUEUE, adds=4),
    consequences=(expect("RQQueueWaitTooLong", queue=LONG_RUNNING_QUEUE),),
    within=120,
)
def worker_frozen(stack: DrillStack) -> Iterator[None]:
    """A worker freezes (SIGSTOP) while jobs wait for it."""
    with stack.frozen(LONG_RUNNING_WORKER):
        for _ in range(3):  # Redis gives the first job to the waiting worker, even if that is frozen.
            stack.enqueue(LONG_RUNNING_QUEUE, jobs.succeed)
        yield


@fault(
    expect("RQQueueWaitTooLong", queue="thumbnails", adds=300 - 15),
    expect("RQWorkersSaturated", queue="thumbnails", adds=filling(5 * MINUTE)),
    within=120,
)
def too_few_workers(stack: DrillStack) -> Iterator[None]:
    """The only worker of a queue is busy all the time, and jobs wait."""
    with stack.workers("thumbnails"):
        running, _waiting = (stack.enqueue("thumbnails", jobs.take, 100) for _ in range(2))
        try:
            yield
        finally:
            stack.empty("thumbnails")
            stack.stop_job(running)

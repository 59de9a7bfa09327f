"""Workers that do nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

from drill import jobs
from drill.fault import expect, fault, filling
from drill.stack import DrillStack
from scheduler import LONG_RUNNING_QUEUE
from stack.services import LONG_RUNNING_WORKER


@fault(
    expect("RQQueueStalled", queue=LONG_RUNNING_QUEUE, adds=filling(5 * 60)),
    expect("RQWorkersLost", queues=LONG_RUNNING_QUEUE, adds=4),
    consequences=(expect("RQQueueWaitTooLong", queue=LONG_RUNNING_QUEUE),),
    within=120,
)
def worker_frozen(stack: DrillStack) -> Iterator[None]:
    """A worker freezes (SIGSTOP) while jobs wait for it."""
    with stack.frozen(LONG_RUNNING_WORKER):
        for _ in range(3):  # Redis hands the first one to the worker that waits for it, frozen or not
            stack.enqueue(LONG_RUNNING_QUEUE, jobs.succeed)
        yield

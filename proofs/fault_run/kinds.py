"""The kinds of jobs: how many, in which queue, and how they should end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from rq import Callback, Retry

from proofs.fault_run import jobs
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

QUEUES = (SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE)
KEPT = -1
"""RQ deletes a finished job after 500 s; the run keeps it until it has been checked."""
RETRIES = 3
CALLBACK_TIMEOUT = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job. Times in seconds."""

    name: str
    share: int
    """Percent of all jobs."""
    function: Callable[..., Any]
    ends: Literal["finished", "failed", "stopped"] = "finished"
    """RQ's status at the end if nothing is killed."""
    queue: str = SHORT_RUNNING_QUEUE
    retries: int = RETRIES
    retry_intervals: tuple[int, ...] = (0,)
    timeout: int = 60
    takes: tuple[float, float] | None = None
    """The range of its argument, in seconds."""
    delay: tuple[int, int] | None = None
    """The range of the delay of `enqueue_in`."""

    callback: Callable[..., None] | None = None
    """Called at every end; it raises, hangs or exits."""

    @property
    def path(self) -> str:
        """The function's name in metrics."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


KINDS = (
    Kind("success", 34, jobs.succeed),
    Kind("slow", 8, jobs.succeed_slowly, takes=(0.1, 0.6)),
    Kind("failing", 8, jobs.fail, ends="failed", retries=0),
    Kind("failing twice, retried at once", 8, jobs.fail_at_first),
    Kind("failing twice, retried after 1, 2 and 4 s", 6, jobs.fail_at_first, retry_intervals=(1, 2, 4)),
    Kind("returns Retry twice", 6, jobs.return_retry),
    Kind("returns Retry too often", 3, jobs.return_retry_too_often, ends="failed", retries=0),
    Kind("over its timeout", 1, jobs.overrun, ends="failed", retries=0, timeout=1),
    Kind("stopped", 1, jobs.stop_itself, ends="stopped", retries=0),
    Kind("delayed by enqueue_in", 8, jobs.succeed, delay=(1, 15)),
    Kind("long queue", 4, jobs.succeed, queue=LONG_RUNNING_QUEUE),
    Kind("long queue, slow", 2, jobs.succeed_slowly, queue=LONG_RUNNING_QUEUE, takes=(0.5, 2.5)),
    Kind("success, callback raises", 2, jobs.succeed, callback=jobs.callback_that_raises),
    Kind("success, callback hangs", 1, jobs.succeed, callback=jobs.callback_that_hangs),
    Kind("success, callback exits", 1, jobs.succeed, callback=jobs.callback_that_exits),
    Kind(
        "failing, callback raises",
        2,
        jobs.fail,
        ends="failed",
        retries=0,
        callback=jobs.callback_that_raises,
    ),
    Kind(
        "failing, callback hangs", 1, jobs.fail, ends="failed", retries=0, callback=jobs.callback_that_hangs
    ),
    Kind(
        "failing, callback exits", 1, jobs.fail, ends="failed", retries=0, callback=jobs.callback_that_exits
    ),
    *(
        Kind(f"stopped, callback {does}", 1, jobs.stop_itself, ends="stopped", retries=0, callback=callback)
        for does, callback in (
            ("raises", jobs.callback_that_raises),
            ("hangs", jobs.callback_that_hangs),
            ("exits", jobs.callback_that_exits),
        )
    ),
)


class Spec(NamedTuple):
    """One job to enqueue, chosen by the seed."""

    job_id: str
    kind: Kind
    arguments: tuple[float, ...]
    delay: timedelta | None

    def options(self) -> dict[str, Any]:
        """The arguments of `rq.Queue.enqueue`."""
        kind = self.kind
        retry = Retry(kind.retries, list(kind.retry_intervals)) if kind.retries else None
        callback = Callback(kind.callback, timeout=CALLBACK_TIMEOUT) if kind.callback else None
        return {
            "job_id": self.job_id,
            "args": self.arguments,
            "kwargs": {},
            "retry": retry,
            "job_timeout": kind.timeout,
            "result_ttl": KEPT,
            "on_success": callback,
            "on_failure": callback,
            "on_stopped": callback,
        }


def specs(count: int, seed: int) -> Iterator[Spec]:
    """Yield the jobs of a run."""
    chance = random.Random(seed)
    for number in range(count):
        kind = chance.choices(KINDS, [kind.share for kind in KINDS])[0]
        arguments = (round(chance.uniform(*kind.takes), 3),) if kind.takes else ()
        delay = timedelta(seconds=chance.randint(*kind.delay)) if kind.delay else None
        yield Spec(f"job-{number:06}", kind, arguments, delay)

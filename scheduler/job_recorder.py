"""Adds the start and the end of an execution to the transactions in which RQ records them.

Every execution is listed from its start until it is counted, and for a while it is remembered that it was.
So it is counted once, though a transaction may be sent twice (redis-py does so when the answer is lost), two
workers may find the same dead worker, or a work horse may be killed right after it recorded its job's end.
And it is counted though Redis may have lost its start, as when a replica takes over that was a little behind.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from redis import Redis
from redis.client import Pipeline

from scheduler.catalogue import DURATION_BUCKETS, MONITORED_QUEUES_KEY, OTHER, WAIT_BUCKETS, Outcome
from scheduler.job_scripts import RECORD_START, record_end_script
from scheduler.job_series import (
    Exemplar,
    bound_of,
    counted_key,
    functions_key,
    jobs_key,
    running_key,
    waits_key,
)

REHEARSAL = "rehearsal"


class Start(NamedTuple):
    """The start of one execution."""

    execution_id: str
    queue: str
    description: str
    """What tells a later reader that the execution was abandoned."""
    waited: float | None
    """Seconds from enqueued to started; None where it is not known."""


class End(NamedTuple):
    """The end of one execution."""

    execution_id: str
    """Empty for a job that ended before it was ever started."""
    job_id: str
    queue: str
    function: str
    outcome: Outcome
    exception: str = ""
    """Exception class; empty if there was none."""
    seconds: float | None = None
    """Run time; None where it is not known."""


class JobRecorder:
    """Writes job metrics with one command at the start and one at the end of an execution."""

    def __init__(self, max_functions: int, max_exceptions: int) -> None:
        """Set how many functions of a queue, and exception classes of a function, get series of their own."""
        self._record_end = record_end_script(max_functions, max_exceptions)

    def record_start(self, connection: Redis | Pipeline, start: Start) -> None:
        """List an execution as running, and count how long its job waited."""
        bucket = microseconds = ""
        if start.waited is not None:
            bucket, microseconds = bound_of(start.waited, WAIT_BUCKETS), _microseconds(start.waited)
        connection.eval(
            RECORD_START,
            2,
            running_key(start.queue),
            waits_key(start.queue),
            start.execution_id,
            start.description,
            start.queue,
            bucket,
            microseconds,
            str(int(time.time())),
        )

    def record_end(self, connection: Redis | Pipeline, end: End) -> None:
        """Count how an execution ended, unless that is counted already."""
        now = time.time()
        bucket = microseconds = exemplar = ""
        if end.seconds is not None:
            bucket, microseconds = bound_of(end.seconds, DURATION_BUCKETS), _microseconds(end.seconds)
            exemplar = Exemplar(now, end.seconds, end.job_id).encode()
        connection.eval(
            self._record_end,
            5,
            running_key(end.queue),
            counted_key(end.execution_id),
            functions_key(end.queue),
            jobs_key(end.queue, end.function),
            jobs_key(end.queue, OTHER),
            end.execution_id,
            end.queue,
            end.function,
            end.outcome,
            end.exception,
            bucket,
            microseconds,
            exemplar,
            str(int(now)),
        )

    def rehearse(self, connection: Redis) -> list[str]:
        """Write a job of a queue that does not exist, and remove it, in one transaction.

        Returns:
            What Redis answered to writes that failed without failing the transaction.

        Raises:
            redis.ResponseError: with these writes in them, the transactions of jobs would fail.
        """
        with connection.pipeline() as pipeline:
            self.record_start(pipeline, Start(REHEARSAL, REHEARSAL, "", waited=0.0))
            self.record_end(pipeline, End(REHEARSAL, REHEARSAL, REHEARSAL, REHEARSAL, "success", seconds=0.0))
            pipeline.delete(
                running_key(REHEARSAL),
                counted_key(REHEARSAL),
                waits_key(REHEARSAL),
                functions_key(REHEARSAL),
                jobs_key(REHEARSAL, REHEARSAL),
            )
            pipeline.srem(MONITORED_QUEUES_KEY, REHEARSAL)
            answers = pipeline.execute(raise_on_error=False)
        return [answer.decode() for answer in answers[:2] if answer]


def _microseconds(seconds: float) -> str:
    return str(round(seconds * 1e6))

"""Adds the start and the end of an execution to the transactions in which RQ records them.

Every execution is listed from its start until it is counted, and for a while it is remembered that it was.
So it is counted once, though a transaction may be sent twice (redis-py does so when the answer is lost), two
workers may find the same dead worker, or a work horse may be killed right after it recorded its job's end.
And it is counted though Redis may have lost its start, as when a replica takes over that was a little behind.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from redis import Redis
from redis.client import Pipeline
from rq.job import Job

from rq_mon.catalogue import DURATION_BUCKETS, MONITORED_QUEUES_KEY, OTHER, WAIT_BUCKETS, Outcome
from rq_mon.series import (
    Exemplar,
    bound_of,
    counted_key,
    functions_key,
    jobs_key,
    running_key,
    waits_key,
)
from rq_mon.worker.scripts import NOTE_END, RECORD_EXPIRED, RECORD_START, record_end_script

REHEARSAL = ",rehearsal"
"""A name that no queue can have, because its data is deleted: RQ joins the names of queues by commas."""


class Start(NamedTuple):
    """The start of one execution."""

    execution_id: str
    queue: str
    description: str
    """What tells a later reader that the execution was abandoned."""
    waited: float | None
    """Seconds from enqueued to started; None where it is not known."""
    job_key: str = ""
    """RQ's hash of the job; empty if there is none."""
    name: str = ""
    """What the job counts as, for its hash; empty if the job's data and description show it."""


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
    """Writes job metrics with one command at the start and one at the end of an execution.

    All that it sends is bytes: redis-py takes more than twice as long to send text.
    """

    def __init__(self, max_functions: int, max_exceptions: int) -> None:
        """Set how many functions of a queue, and exception classes of a function, get series of their own."""
        self._end_scripts = {
            (timed, failed): record_end_script(max_functions, max_exceptions, timed=timed, failed=failed)
            for timed in (False, True)
            for failed in (False, True)
        }

    def record_start(self, connection: Redis | Pipeline, start: Start) -> None:
        """List an execution as running, and count how long its job waited."""
        bucket = microseconds = b""
        if start.waited is not None:
            bucket, microseconds = _bucket(start.waited, WAIT_BUCKETS), _microseconds(start.waited)
        connection.execute_command(  # type: ignore[no-untyped-call]
            b"EVAL",
            RECORD_START,
            b"3",
            *_keys_at_start(start.queue),
            start.job_key.encode(),
            start.execution_id.encode(),
            start.description.encode(),
            start.name.encode(),
            bucket,
            microseconds,
            b"%d" % time.time(),
        )

    def record_end(self, connection: Redis | Pipeline, end: End) -> None:
        """Count how an execution ended, unless that is counted already."""
        now = time.time()
        arguments = [end.function.encode(), end.outcome.encode(), b"%d" % now]
        if end.seconds is not None:
            exemplar = Exemplar(now, end.seconds, end.job_id).encode()
            bucket = _bucket(end.seconds, DURATION_BUCKETS)
            arguments += (bucket, _microseconds(end.seconds), exemplar.encode())
        if end.exception:
            arguments.append(end.exception.encode())
        running, *series = _keys_at_end(end.queue, end.function)
        connection.execute_command(  # type: ignore[no-untyped-call]
            b"EVAL",
            self._end_scripts[end.seconds is not None, bool(end.exception)],
            b"5",
            running,
            counted_key(end.execution_id).encode(),
            *series,
            *arguments,
        )

    def record_expired(self, connection: Redis, queue: str, number: int = 1) -> str | None:
        """Count jobs of `queue` that expired before they were started, or return why that failed."""
        problem: bytes | None = connection.execute_command(  # type: ignore[no-untyped-call]
            b"EVAL", RECORD_EXPIRED, b"1", waits_key(queue).encode(), b"%d" % number, b"%d" % time.time()
        )
        return problem.decode() if problem else None

    def note_end(self, connection: Redis | Pipeline, job_key: str, *, name: str, exception: str) -> None:
        """Keep name and exception class with the job, where `rqmon` reads them; empty: nothing to keep."""
        connection.execute_command(  # type: ignore[no-untyped-call]
            b"EVAL", NOTE_END, b"1", job_key.encode(), name.encode(), exception.encode()
        )

    def rehearse(self, connection: Redis) -> list[str]:
        """Write a job of a queue that cannot exist, and remove it, in one transaction.

        Returns:
            What Redis answered to writes that failed without failing the transaction.

        Raises:
            redis.ResponseError: with these writes in them, the transactions of jobs would fail.
        """
        with connection.pipeline() as pipeline:
            self.record_start(pipeline, Start(REHEARSAL, REHEARSAL, "", 0.0, Job.key_for(REHEARSAL)))
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


def _keys_at_start(queue: str) -> list[bytes]:
    return [key.encode() for key in (running_key(queue), waits_key(queue))]


def _keys_at_end(queue: str, function: str) -> list[bytes]:
    series = functions_key(queue), jobs_key(queue, function), jobs_key(queue, OTHER)
    return [key.encode() for key in (running_key(queue), *series)]


def _bucket(seconds: float, bounds: Sequence[float]) -> bytes:
    return bound_of(seconds, bounds).encode()


def _microseconds(seconds: float) -> bytes:
    return b"%d" % round(seconds * 1e6)

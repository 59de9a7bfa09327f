"""Adds the start and the end of an execution to RQ's own transactions.

Each execution is listed from its start until it is counted, and its count is remembered for a while. So it is
counted once, even if redis-py sends a transaction twice because the answer was lost, two workers find the
same dead worker, or a work horse is killed right after it recorded its job's end. It is counted even if Redis
lost its start, for example by a failover to a replica that lagged.
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
"""A name that no queue can have, as RQ joins queue names with commas: its data is deleted."""


class Start(NamedTuple):
    """The start of one execution."""

    execution_id: str
    queue: str
    description: str
    """The data from which another process finds out that the execution was abandoned."""
    waited: float | None
    """Seconds from enqueued to started; None if not known."""
    job_key: str = ""
    """Key of RQ's hash of the job; empty if there is none."""
    name: str = ""
    """The job's name in the metrics, for its hash; empty if data and description show it."""


class End(NamedTuple):
    """The end of one execution."""

    execution_id: str
    """Execution id; empty for a job that ended before it was started."""
    job_id: str
    queue: str
    function: str
    outcome: Outcome
    exception: str = ""
    """Exception class; empty if there was none."""
    seconds: float | None = None
    """Run time in seconds; None if not known."""


class JobRecorder:
    """Writes job metrics, with one command at the start and one at the end of an execution.

    It sends bytes only: redis-py takes more than twice as long to send text.
    """

    def __init__(self, max_functions: int, max_exceptions: int) -> None:
        """Set how many functions per queue, and exception classes per function, get their own series."""
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
        """Count the end of an execution, unless it is already counted."""
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
        """Store name and exception class in the job's hash, where `rqmon` reads them; "" stores nothing."""
        connection.execute_command(  # type: ignore[no-untyped-call]
            b"EVAL", NOTE_END, b"1", job_key.encode(), name.encode(), exception.encode()
        )

    def rehearse(self, connection: Redis) -> list[str]:
        """Check the right to write: record a job of an impossible queue, and remove it, in one transaction.

        Returns:
            Redis' errors for writes that failed without failing the transaction.

        Raises:
            redis.ResponseError: these writes would fail the transactions of jobs.
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

"""The jobs of the run. Each writes a line to the side file when it begins and when it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rq import Retry, get_current_job
from rq.command import send_stop_job_command
from rq.job import Job

from proofs.fault_run.side_file import note

STOPPED_WITHIN = 5.0


def succeed() -> None:
    with _noted():
        time.sleep(0.01)


def succeed_slowly(seconds: float) -> None:
    with _noted():
        time.sleep(seconds)


def fail() -> None:
    with _noted():
        raise ValueError("never works")


def fail_at_first() -> None:
    """Fail until one retry is left."""
    with _noted() as job:
        if (job.retries_left or 0) > 1:
            raise KeyError("not yet")


def return_retry() -> Retry | None:
    """Return Retry twice."""
    job = _job()
    note("begin", job.id)
    if (job.number_of_retries or 0) < 2:
        note("retry", job.id)
        return Retry(max=5)
    note("success", job.id)
    return None


def return_retry_too_often() -> Retry:
    """Return Retry each time."""
    job = _job()
    note("begin", job.id)
    note("retry", job.id)
    return Retry(max=2)


def overrun() -> None:
    """Exceed the timeout."""
    with _noted():
        time.sleep(60)


def stop_itself() -> None:
    """Send the command to stop this job; fail if the command is lost with Redis or the worker."""
    with _noted() as job:
        send_stop_job_command(job.connection, job.id)
        time.sleep(STOPPED_WITHIN)
        raise RuntimeError("the command to stop did not arrive")


def tick() -> None:
    """Run for a tick of a cron job."""
    with _noted():
        pass


def callback_that_raises(job: Job, *_: object) -> None:
    note("callback", job.id)
    raise LookupError("nothing to call back")


def callback_that_hangs(job: Job, *_: object) -> None:
    """Exceed the timeout of callbacks."""
    note("callback", job.id)
    time.sleep(60)


def callback_that_exits(job: Job, *_: object) -> None:
    """End the process."""
    note("callback", job.id)
    os._exit(3)


@contextmanager
def _noted() -> Iterator[Job]:
    job = _job()
    note("begin", job.id)
    try:
        yield job
    except BaseException:
        note("failed", job.id)
        raise
    note("success", job.id)


def _job() -> Job:
    job = get_current_job()
    assert job is not None
    return job

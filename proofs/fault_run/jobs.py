"""The jobs of the run: each says on the side file that it begins and how it ends."""

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
    """End soon."""
    with _noted():
        time.sleep(0.01)


def succeed_slowly(seconds: float) -> None:
    """Take a while."""
    with _noted():
        time.sleep(seconds)


def fail() -> None:
    """Fail, and not be tried again."""
    with _noted():
        raise ValueError("never works")


def fail_at_first() -> None:
    """Fail until one retry is left."""
    with _noted() as job:
        if (job.retries_left or 0) > 1:
            raise KeyError("not yet")


def return_retry() -> Retry | None:
    """Ask twice to be run again."""
    job = _job()
    note("begin", job.id)
    if (job.number_of_retries or 0) < 2:
        note("retry", job.id)
        return Retry(max=5)
    note("success", job.id)
    return None


def return_retry_too_often() -> Retry:
    """Ask again and again."""
    job = _job()
    note("begin", job.id)
    note("retry", job.id)
    return Retry(max=2)


def overrun() -> None:
    """Take longer than allowed."""
    with _noted():
        time.sleep(60)


def stop_itself() -> None:
    """Be stopped, as by an operator; fail if the command is lost with Redis or the worker."""
    with _noted() as job:
        send_stop_job_command(job.connection, job.id)
        time.sleep(STOPPED_WITHIN)
        raise RuntimeError("the command to stop did not arrive")


def tick() -> None:
    """Run for a tick of a cron job."""
    with _noted():
        pass


def callback_that_raises(job: Job, *_: object) -> None:
    """Be a callback that fails."""
    note("callback", job.id)
    raise LookupError("nothing to call back")


def callback_that_hangs(job: Job, *_: object) -> None:
    """Be a callback that takes longer than it may."""
    note("callback", job.id)
    time.sleep(60)


def callback_that_exits(job: Job, *_: object) -> None:
    """Be a callback that ends its process."""
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

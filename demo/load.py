"""The demo's jobs and their rates: about as many as the two default workers can run.

Some jobs fail, but few enough to meet objectives.yml: a demo of hours must not cause an alert.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from demo.jobs import (
    build_report,
    charge_card,
    export_archive,
    parse_upload,
    prune_sessions,
    resize_image,
    send_email,
    sync_catalogue,
)
from scheduler import LONG_RUNNING_QUEUE, job_scheduler


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job, which comes at random times."""

    name: str
    seconds_between: float
    enqueue: Callable[[], object]
    at_once: int = 1


def _fast() -> object:
    return job_scheduler(send_email, (random.randrange(10_000),), description="Send an e-mail")


def _slow() -> object:
    size = random.choice(((640, 480), (1280, 720), (1920, 1080)))
    return job_scheduler(resize_image, size, description="Resize an image")


def _failing() -> object:
    return job_scheduler(charge_card, (random.randrange(100),), max_retries=None, description="Charge a card")


def _retried() -> object:
    return job_scheduler(
        parse_upload, (50,), max_retries=1, retry_intervals=[5], description="Parse an upload"
    )


def _flaky() -> object:
    return job_scheduler(sync_catalogue, retry_backoff=True, description="Fetch the catalogue")


def _delayed() -> object:
    delay = timedelta(seconds=random.randrange(5, 30))
    return job_scheduler(prune_sessions, time_delta=delay, description="Delete expired sessions")


def _long() -> object:
    return job_scheduler(build_report, queue_name=LONG_RUNNING_QUEUE, description="Build a report")


def _timed_out() -> object:
    return job_scheduler(
        export_archive,
        queue_name=LONG_RUNNING_QUEUE,
        job_timeout=8,
        max_retries=2,
        description="Export the archive",
    )


KINDS = (
    Kind("fast", 0.4, _fast),
    Kind("fast, many at once", 30, _fast, at_once=25),
    Kind("slow", 3, _slow),
    Kind("failing now and then", 4, _failing),
    Kind("failing, retried without success", 20, _retried),
    Kind("failing at first, retried with backoff", 5, _flaky),
    Kind("delayed", 4, _delayed),
    Kind("long-running", 20, _long),
    Kind("long-running, timed out now and then", 30, _timed_out),
)


def arrivals(seconds: float) -> Iterator[tuple[float, Kind]]:
    """Yield the jobs of `seconds`, and when they come; each kind at least once if there is time for any."""
    coming = [
        (random.uniform(0, min(kind.seconds_between, seconds)), index) for index, kind in enumerate(KINDS)
    ]
    heapq.heapify(coming)
    while coming[0][0] < seconds:
        time, index = coming[0]
        yield time, KINDS[index]
        heapq.heapreplace(coming, (time + random.expovariate(1 / KINDS[index].seconds_between), index))

"""The application that enqueues: it knows which jobs Redis has acknowledged, and looks again later."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job

from proofs.fault_run.kinds import QUEUES, Spec
from proofs.fault_run.redis_server import HELD_BACK_SECONDS, LOST_SECONDS
from rq_mon.connection.client import connect

CONFIRMED_AFTER = LOST_SECONDS + HELD_BACK_SECONDS + 1
"""Seconds after which the application looks whether a job that was acknowledged is still there. What is on
the disk by then is not lost when the power goes."""
RETRY_EVERY = 0.2
MOST_WAITING = 400
"""Jobs that may wait while more are enqueued: a slow machine takes longer, and so do its faults."""
LOOK_EVERY = 50
"""Jobs between two looks at how many wait."""


@dataclass
class Acknowledged:
    """What the application knows of its jobs, without asking Redis. By job id."""

    specs: dict[str, Spec] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)
    """When Redis acknowledged it last, as Unix time."""
    asked: dict[str, float] = field(default_factory=dict)
    """When Redis was asked for that, as Unix time."""
    refused: int = 0
    """Attempts that Redis answered with an error, or not at all."""
    unknown: list[str] = field(default_factory=list)
    """No answer came, but a later look found the job."""
    lost: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Gone when the application looked, which enqueued it again: when it had asked for the lost one, and when
    Redis had acknowledged that."""


class Application:
    """Enqueues jobs at an even pace, in a thread, until all are acknowledged and confirmed."""

    def __init__(self, url: str, specs: Iterable[Spec], seconds: float, jobs: int) -> None:
        self.known = Acknowledged()
        self._failure: BaseException | None = None
        self._url = url
        self._specs = specs
        self._interval = seconds / jobs
        self._jobs = jobs
        self._unconfirmed: deque[tuple[float, Spec]] = deque()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Application:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def progress(self) -> float:
        """The part of the jobs that is acknowledged, from 0 to 1.

        Raises:
            RuntimeError: it has failed.
        """
        self._raise_failure()
        return len(self.known.at) / self._jobs

    @property
    def is_done(self) -> bool:
        """Whether every job is acknowledged and confirmed.

        Raises:
            RuntimeError: it has failed.
        """
        self._raise_failure()
        return not self._thread.is_alive()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RuntimeError("the application failed") from self._failure

    def _run(self) -> None:
        try:
            self._connection = connect(self._url)
            due = time.monotonic()
            for number, spec in enumerate(self._specs):
                self.known.specs[spec.job_id] = spec
                due = max(due + self._interval, time.monotonic() - CONFIRMED_AFTER)
                self._wait(due)
                if number % LOOK_EVERY == 0:
                    self._wait_for_workers()
                self._enqueue(spec)
                self._confirm(CONFIRMED_AFTER)
            while self._unconfirmed and not self._stopped.is_set():
                self._wait(time.monotonic() + RETRY_EVERY)
                self._confirm(CONFIRMED_AFTER)
        except BaseException as error:  # `is_done` raises it
            self._failure = error

    def _wait(self, until: float) -> None:
        self._stopped.wait(max(0.0, until - time.monotonic()))

    def _wait_for_workers(self) -> None:
        while not self._stopped.is_set():
            with suppress(RedisError):
                if sum(Queue(name, connection=self._connection).count for name in QUEUES) < MOST_WAITING:
                    return
            self._wait(time.monotonic() + RETRY_EVERY)

    def _enqueue(self, spec: Spec) -> None:
        """Enqueue until it is acknowledged; after an answer that did not come, look before trying again."""
        attempts = 0
        while not self._stopped.is_set():
            self.known.asked[spec.job_id] = time.time()
            try:
                if attempts and self._exists(spec.job_id):
                    self.known.unknown.append(spec.job_id)
                else:
                    self._send(spec)
            except RedisError:
                attempts += 1
                self.known.refused += 1
                self._wait(time.monotonic() + RETRY_EVERY)
            else:
                self.known.at[spec.job_id] = time.time()
                self._unconfirmed.append((time.monotonic(), spec))
                return

    def _send(self, spec: Spec) -> None:
        queue = Queue(spec.kind.queue, connection=self._connection)
        if spec.delay is None:
            queue.enqueue(spec.kind.function, **spec.options())
        else:
            queue.enqueue_in(spec.delay, spec.kind.function, **spec.options())

    def _exists(self, job_id: str) -> bool:
        return Job.exists(job_id, connection=self._connection)

    def _confirm(self, age: float) -> None:
        """Look for jobs that were acknowledged some seconds ago; enqueue lost ones again."""
        while self._unconfirmed and self._unconfirmed[0][0] <= time.monotonic() - age:
            spec = self._unconfirmed[0][1]
            try:
                exists = self._exists(spec.job_id)
            except RedisError:
                return
            self._unconfirmed.popleft()
            if not exists:
                self.known.lost[spec.job_id] = self.known.asked[spec.job_id], self.known.at[spec.job_id]
                self._enqueue(spec)

"""The application: it enqueues jobs and later checks that those acknowledged by Redis still exist."""

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
"""Seconds after which the application checks that an acknowledged job still exists. By then the job is on the
disk and survives a power cut."""
RETRY_EVERY = 0.2
MOST_WAITING = 400
"""While this number of jobs wait, no more are enqueued: a slow machine takes longer, and so do its faults."""
LOOK_EVERY = 50
"""Jobs between two checks of the queues' lengths."""


@dataclass
class Acknowledged:
    """What the application knows about its jobs without asking Redis, by job id."""

    specs: dict[str, Spec] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)
    """Unix time of the last acknowledgement by Redis."""
    asked: dict[str, float] = field(default_factory=dict)
    """Unix time of the request that it acknowledged."""
    refused: int = 0
    """Attempts that failed: Redis returned an error, or did not answer."""
    unknown: list[str] = field(default_factory=list)
    """Jobs that were found by a later check, although no answer came."""
    lost: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Jobs that were missing when the application checked, and that it enqueued again. The Unix times of the
    first request and of its acknowledgement."""


class Application:
    """Enqueues jobs at a steady pace in a thread, until all are acknowledged and confirmed."""

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
        """The share of the jobs that are acknowledged, from 0 to 1.

        Raises:
            RuntimeError: the application has failed.
        """
        self._raise_failure()
        return len(self.known.at) / self._jobs

    @property
    def is_done(self) -> bool:
        """Whether every job is acknowledged and confirmed.

        Raises:
            RuntimeError: the application has failed.
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
        """Enqueue the job, again and again until Redis acknowledges it.

        Before another attempt, check whether the job arrived although no answer came.
        """
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
        """Check for jobs that were acknowledged at least `age` seconds ago; enqueue missing ones again."""
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

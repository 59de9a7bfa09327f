"""The processes of the run. A process that ends is started again, as by a supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil
from redis import Redis
from rq import Worker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from proofs.fault_run.clock import Clock, library
from proofs.fault_run.plan import Size, WorkerKill
from proofs.fault_run.side_file import SIDE_FILE
from proofs.harness.processes import end, start_python
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import MONITORED_WORKER_FIELD
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.native.processes import READABLE_ENVIRONMENT
from stack.settings import PROJECT_ROOT

T = TypeVar("T")

CRON_SCHEDULER = ("-m", "proofs.fault_run.cron_scheduler")
ONE_IN = 4
"""One worker in four serves the queue of long jobs; the others serve the short ones."""
LOOK_EVERY = 0.1
HORSE_WITHIN = 3.0
END_WITHIN = 60.0
FROZEN_WITHIN = 60.0
REFUSED = (b"but are not counted for now", b"cannot look for abandoned jobs")
ACCEPTED = b"jobs are counted again"
"""What a worker logs when Redis refuses to count its jobs, and when it has written down their number."""


@dataclass
class Slot:
    """A place for one process at a time."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None


class Processes:
    """Workers and cron schedulers, as the stack runs them.

    Args:
        url: of Redis.
        directory: for the side file, clocks and logs.
        size: the number of workers and cron schedulers.
        python: the interpreter that runs them; it may have another RQ than this process.
    """

    def __init__(self, url: str, directory: Path, size: Size, python: str = sys.executable) -> None:
        self.killed: Counter[str] = Counter()
        self.hit: set[int] = set()
        """The ids of all processes that were killed or frozen."""
        self.events: list[tuple[float, str]] = []
        """Unix time and description of each kill and freeze."""
        self.hanging: list[str] = []
        """Processes that did not end when they were asked to."""
        self.side_file = directory / "side-file"
        self._clocks = [Clock(directory / f"clock-{n}", library()) for n in range(size.cron_schedulers)]
        self._workers = [Slot((f"{_queue(n)}-worker.py",)) for n in range(size.workers)]
        self._cron = [Slot((*CRON_SCHEDULER,), clock.environment) for clock in self._clocks]
        self._older = [
            Slot((*CRON_SCHEDULER, ("after", "before")[n % 2])) for n in range(size.older_cron_lists)
        ]
        self._python = python
        outer = {name: value for name, value in os.environ.items() if not name.startswith("RQ_")}
        self._environment = outer | {
            "RQ_REDIS_URL": url,
            SIDE_FILE: str(self.side_file),
            **READABLE_ENVIRONMENT,
            "PYTHONUNBUFFERED": "1",
            "RQ_WORKER_TTL_SECONDS": str(size.worker_ttl),
            "RQ_JOB_MONITORING_INTERVAL_SECONDS": str(size.job_monitoring_interval),
        }
        self.log = directory / "processes.log"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, daemon=True)

    def __enter__(self) -> Processes:
        for slot in self._older:
            self._start(slot)
            wait_until(lambda: _is_frozen(slot), "a cron scheduler with an older list", within=FROZEN_WITHIN)  # noqa: B023
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them, including those whose parents were killed."""
        self._ended.set()
        self._thread.join()
        while self.thaw_older_list():
            pass
        slots = (*self._older, *self._cron, *self._workers)
        started = [slot.process for slot in slots if slot.process is not None]
        self.hanging += [str(process.args) for process in end(started, END_WITHIN)]
        for each in self._all():
            with contextlib.suppress(psutil.Error):
                each.kill()

    @property
    def clocks_can_go_wrong(self) -> bool:
        """Whether libfaketime is installed."""
        return library() is not None

    # --- faults --------------------------------------------------------------------------------------------

    def kill_worker(self, choice: float, which: WorkerKill) -> None:
        """Kill a worker, its work horse, or both at once, as when a machine fails.

        If a horse is to be killed, wait a while for a worker that has one.
        """
        deadline = time.monotonic() + HORSE_WITHIN
        while True:
            for worker in self._beginning_at(choice):
                horse = _horse_of(worker)
                if which == "worker" or horse is not None:
                    if "worker" in which:
                        self._kill(worker, "worker")
                    if "horse" in which and horse is not None:
                        self._kill(horse, "work horse")
                    return
            if time.monotonic() > deadline:
                return
            time.sleep(0.002)

    def _kill(self, process: psutil.Process, what: str) -> None:
        with contextlib.suppress(psutil.Error):
            process.kill()
            self.killed[what] += 1
            self._note_hit(process.pid, f"killed: {what}")

    def _note_hit(self, pid: int, what: str) -> None:
        self.hit.add(pid)
        self.events.append((time.time(), f"{what} {pid}"))

    def kill_cron_scheduler(self, choice: float) -> None:
        process = _chosen(self._cron, choice).process
        if process is not None and process.poll() is None:
            process.kill()
            self.killed["cron scheduler"] += 1

    @contextlib.contextmanager
    def frozen_worker(self, choice: float) -> Iterator[None]:
        """Freeze a worker and its children during the block, as if their machine hung."""
        frozen: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            worker = next(self._beginning_at(choice))
            frozen = [worker, *worker.children(recursive=True)]
        for process in frozen:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGSTOP)
                self._note_hit(process.pid, "frozen:")
        try:
            yield
        finally:
            for process in frozen:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGCONT)

    def thaw_older_list(self) -> bool:
        """Continue the next cron scheduler with an older list; return whether there was one."""
        frozen = next(filter(_is_frozen, self._older), None)
        if frozen is None or frozen.process is None:
            return False
        frozen.process.send_signal(signal.SIGCONT)
        return True

    @contextlib.contextmanager
    def wrong_clock(self, choice: float, seconds: int) -> Iterator[None]:
        """Make the clock of a cron scheduler wrong during the block."""
        clock = _chosen(self._clocks, choice)
        clock.jump(seconds)
        try:
            yield
        finally:
            clock.jump(0)

    # --- processes -----------------------------------------------------------------------------------------

    def _keep_running(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            for slot in (*self._workers, *self._cron):
                if slot.process is None or slot.process.poll() is not None:
                    self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.process = start_python(
            *slot.arguments,
            cwd=PROJECT_ROOT,
            environment={**self._environment, **slot.environment},
            log=self.log,
            python=self._python,
        )

    # --- state of workers ----------------------------------------------------------------------------------

    def unregistered(self, connection: Redis) -> list[str]:
        """Return the workers that RQ does not know, or not with everything that belongs to them."""
        names = [
            f"{_queue(number)}-{socket.gethostname()}-{slot.process.pid if slot.process else 0}"
            for number, slot in enumerate(self._workers)
        ]
        return [
            name for number, name in enumerate(names) if not _is_registered(connection, name, _queue(number))
        ]

    @property
    def logged(self) -> int:
        """Bytes in their log."""
        return self.log.stat().st_size

    def have_unreported_jobs(self, since: int) -> bool:
        """Return whether a worker still has to write down how many jobs it was not allowed to count.

        Args:
            since: bytes of the log from before Redis refused anything.
        """
        log = self.log.read_bytes()[since:]
        return sum(map(log.count, REFUSED)) > log.count(ACCEPTED)

    def _beginning_at(self, choice: float) -> Iterator[psutil.Process]:
        """Yield the running workers, beginning with the chosen one."""
        first = int(choice * len(self._workers))
        for slot in (*self._workers[first:], *self._workers[:first]):
            if slot.process is not None and slot.process.poll() is None:
                with contextlib.suppress(psutil.Error):
                    yield psutil.Process(slot.process.pid)

    def _all(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(SIDE_FILE) == str(self.side_file):
                    yield process


def _queue(number: int) -> str:
    return LONG_RUNNING_QUEUE if number % ONE_IN == ONE_IN - 1 else SHORT_RUNNING_QUEUE


def _is_registered(connection: Redis, name: str, queue: str) -> bool:
    key = f"{Worker.redis_worker_namespace_prefix}{name}"
    with connection.pipeline(transaction=False) as reads:
        for field in ("birth", "queues", "state", "last_heartbeat", MONITORED_WORKER_FIELD):
            reads.hexists(key, field)
        for workers in (REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY % queue):
            reads.sismember(workers, key)
        return all(reads.execute())


def _is_frozen(slot: Slot) -> bool:
    with contextlib.suppress(psutil.Error):
        return slot.process is not None and (
            psutil.Process(slot.process.pid).status() == psutil.STATUS_STOPPED
        )
    return False


def _horse_of(worker: psutil.Process) -> psutil.Process | None:
    """Return the newest child in its own process group; RQ's scheduler is in the worker's group."""
    with contextlib.suppress(psutil.Error, OSError):
        children = sorted(worker.children(), key=lambda child: child.create_time(), reverse=True)
        return next((child for child in children if os.getpgid(child.pid) == child.pid), None)
    return None


def _chosen(items: Sequence[T], choice: float) -> T:
    return items[int(choice * len(items))]

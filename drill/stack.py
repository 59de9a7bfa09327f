"""The stack that the drill sets fire to: a copy of this project, with its own ports, data and processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.command import send_stop_job_command
from rq.job import Job

from drill.configuration import GRACE_SECONDS, configure
from drill.jobs import HORSE
from drill.worker import WITHOUT_SCHEDULER
from native.processes import MARK
from native.supervisor import Supervisor
from scheduler.connection import connect
from scheduler.cron.ticks import TickClaims
from stack.runtime import StackError
from stack.services import REDIS, Service
from stack.settings import REDIS_URL, STOP_GRACE, load_settings
from tests.harness.native_stack import NativeStack
from tests.harness.waiting import wait_until
from tests.harness.webhook import Webhook


class DrillStack(NativeStack):
    """What a fault may do to the stack, and ask of it.

    Faults name services and queues, never processes, so that a stack in containers can offer the same.
    """

    def __init__(self, project: Path, directory: Path, webhook: Webhook) -> None:
        super().__init__(project, directory / "project")
        self.environment |= configure(self.directory, directory / "receivers", webhook)
        self.settings = load_settings(self.environment, self.directory / ".env")
        self._supervisor = Supervisor(self.state)

    @cached_property
    def redis(self) -> Redis:
        """A client of the stack's Redis."""
        return connect(self.settings.redis_url())

    # --- what runs -----------------------------------------------------------------------------------------

    def start_all(self) -> None:
        """Start whatever does not run, as users do, and wait until it is healthy.

        Raises:
            StackError: it did not become healthy; the message holds what the command said.
        """
        result = self.make("start-rq-mon")
        if result.returncode:
            raise StackError(result.stdout)

    def stop_all(self) -> None:
        """End everything that the stack started."""
        self.make("stop-rq-mon", **{STOP_GRACE.name: "0"})

    @contextlib.contextmanager
    def stopped(self, service: Service) -> Iterator[None]:
        """Keep a service stopped for as long as the block lasts."""
        self._supervisor.request_stop(service.name)
        wait_until(lambda: service.name not in self.numbers(), f"the end of {service.name}")
        yield
        self._supervisor.update(self.settings.stop_grace)

    @contextlib.contextmanager
    def frozen(self, service: Service) -> Iterator[None]:
        """Keep a service from doing anything, as a machine without memory would."""
        process = psutil.Process(self.numbers()[service.name])
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def kill(self, service: Service) -> None:
        """End a service and all its processes at once, as the kernel or a power cut would."""
        process = psutil.Process(self.numbers()[service.name])
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()

    def kill_horse(self, job: Job) -> None:
        """End the process that runs a job, and leave its worker alone."""
        os.kill(self.wait_for_horse(job), signal.SIGKILL)

    @contextlib.contextmanager
    def without_append_only_folder(self) -> Iterator[None]:
        """Put a file in the place of the folder that Redis writes to, and make it try."""
        folder = self.state / REDIS.name / "appendonlydir"
        hidden = folder.rename(folder.with_suffix(".hidden"))
        folder.touch()
        with contextlib.suppress(ResponseError):
            self.redis.bgrewriteaof()  # type: ignore[no-untyped-call]
        yield
        folder.unlink()
        hidden.rename(folder)
        self.redis.bgrewriteaof()  # type: ignore[no-untyped-call]

    # --- applications --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def workers(self, queue: str, count: int = 1, *, with_scheduler: bool = True) -> Iterator[None]:
        """Run workers of an application's own queue for as long as the block lasts."""
        options = () if with_scheduler else (WITHOUT_SCHEDULER,)
        running = [self.python("drill.worker", queue, *options) for _ in range(count)]
        try:
            yield
        finally:
            for process in running:
                process.terminate()
            for process in running:
                _wait_or_kill(process)

    def python(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a module of the copy as an application that uses the stack's Redis."""
        environment = self.environment | {REDIS_URL: self.settings.redis_url(), MARK: str(self.state)}
        with (self.directory.parent / f"{module}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=self.directory,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def queue(self, name: str) -> Queue:
        """Return RQ's object for a queue."""
        return Queue(name, connection=self.redis)

    def enqueue(self, queue: str, function: Callable[..., None], *arguments: Any) -> Job:
        """Put a job into a queue; it is not retried."""
        return self.queue(queue).enqueue(function, *arguments)

    def stop_job(self, job: Job) -> None:
        """End a job that runs, as people do who have lost patience with it."""
        send_stop_job_command(self.redis, job.id)

    def empty(self, queue: str) -> None:
        """Delete the jobs that wait in a queue."""
        self.queue(queue).empty()  # type: ignore[no-untyped-call]

    def wait_for_horse(self, job: Job) -> int:
        """Return the id of the process that runs a job of `drill.jobs.take`."""

        def horse() -> int:
            return int(job.get_meta(refresh=True).get(HORSE, 0))

        return wait_until(horse, f"{job.id} to run", within=60)

    def wait_until_scheduled_jobs_are_gone(self, queue: str) -> None:
        """Return when the delayed jobs of a queue have been enqueued."""
        registry = self.queue(queue).scheduled_job_registry
        wait_until(lambda: registry.count == 0, f"the delayed jobs of {queue} to be enqueued")

    def wait_until_a_tick_is_late(self, seconds: float) -> None:
        """Return when the next tick of a cron job was due longer ago than this."""

        def lateness() -> float:
            next_tick = TickClaims(self.redis, GRACE_SECONDS).next_tick()
            return time.time() - (next_tick or time.time())

        wait_until(lambda: lateness() > seconds, f"a tick to be {seconds} s late", within=seconds + 30)

    # --- alerts --------------------------------------------------------------------------------------------

    def alerts(self) -> dict[str, str]:
        """The state, pending or firing, of each alert that Prometheus has now, by its name."""
        found = self._ask_prometheus("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in found}


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""The stack that the drill breaks: a copy of this project with its own ports, data and processes."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rq import Queue, Worker
from rq.command import send_stop_job_command
from rq.job import Job

from proofs.drill.compose import ComposeServices
from proofs.drill.configuration import GRACE_SECONDS, configure
from proofs.drill.jobs import HORSE
from proofs.drill.native import NativeServices
from proofs.drill.services import Services
from proofs.harness.compose_stack import ComposeStack
from proofs.harness.native_stack import NativeStack
from proofs.harness.processes import end, kill_with_children, start_python
from proofs.harness.stack_copy import StackCopy
from proofs.harness.waiting import wait_until
from proofs.harness.webhook import Webhook
from rq_mon.connection.client import connect
from rq_mon.cron.registry import CronRegistry
from rq_mon.cron.ticks import TickClaims
from rq_mon.jobs.purge import purge_jobs
from rq_mon.settings import Settings
from scheduler.cron.entries import CronEntry
from stack.compose import ComposeRuntime
from stack.native.processes import MARK
from stack.runtime import StackError
from stack.services import PROMETHEUS, REDIS, Service
from stack.settings import load_settings
from stack.variables import REDIS_URL

WORKERS_END_WITHIN = 10.0


class DrillStack:
    """What a fault may do with the stack.

    Each context manager repairs what it broke when its block ends, even after an error, so that one fault
    cannot spoil the next.

    Args:
        project: the root of the project to copy.
        directory: an empty folder for the copy and its logs.
        runtime: the name of the runtime: native or compose.
        webhook: receives the alerts; the stack's Alertmanager must be able to reach it.
    """

    def __init__(self, project: Path, directory: Path, runtime: str, webhook: Webhook) -> None:
        self.copy: StackCopy
        self._services: Services
        if runtime == ComposeRuntime.name:
            self.copy = copy = ComposeStack(project, directory / "project")
            self._services = ComposeServices(copy)
        else:
            self.copy = native = NativeStack(project, directory / "project")
            self._services = NativeServices(native)
        self.webhook = webhook
        self.directory = self.copy.directory
        self.copy.environment |= configure(self.directory, directory / "receivers", webhook)
        self.copy.settings = load_settings(self.copy.environment, self.directory / ".env")

    @cached_property
    def redis(self) -> Redis:
        """A client of the stack's Redis."""
        return connect(self.copy.redis_url())

    # --- what runs -----------------------------------------------------------------------------------------

    def start_all(self) -> None:
        """Start missing services as users do, and wait until all are healthy.

        Raises:
            StackError: a service did not become healthy. The message contains the command's output.
        """
        result = self.copy.make("start-rq-mon")
        if result.returncode:
            raise StackError(result.stdout)

    def remove(self) -> None:
        """End everything that the stack started."""
        self.copy.remove()

    def stopped(self, service: Service) -> contextlib.AbstractContextManager[None]:
        """Stop a service for the block."""
        return self._services.stopped(service)

    def frozen(self, service: Service) -> contextlib.AbstractContextManager[None]:
        """Freeze a service for the block, like a machine that is out of memory."""
        return self._services.frozen(service)

    def kill(self, service: Service) -> None:
        """End a service and all its processes at once, like the kernel's OOM killer or a power cut."""
        self._services.kill(service)

    def kill_horse(self, worker: Service, job: Job) -> None:
        """Kill the work horse of a job, but not its worker."""
        self._services.send(worker, signal.SIGKILL, self.wait_for_horse(job))

    @contextlib.contextmanager
    def rule_file(self, name: str, text: str) -> Iterator[None]:
        """Add a file to Prometheus' rules for the block."""
        path = self.directory / "prometheus" / "rules" / name
        try:
            path.write_text(text, encoding="utf-8")
            self._services.send(PROMETHEUS, signal.SIGHUP)
            yield
        finally:
            path.unlink(missing_ok=True)
            self._services.send(PROMETHEUS, signal.SIGHUP)

    # --- Redis ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def without_append_only_folder(self) -> Iterator[None]:
        """Replace the folder that Redis writes to by a file, and trigger a rewrite."""
        folder, hidden = "appendonlydir", "appendonlydir.hidden"
        self._services.run_in_data(REDIS, f"mv {folder} {hidden} && touch {folder}")
        try:
            with contextlib.suppress(ResponseError):
                self.redis.bgrewriteaof()  # type: ignore[no-untyped-call]
            yield
        finally:
            self._services.run_in_data(REDIS, f"rm {folder} && mv {hidden} {folder}")
            self.redis.bgrewriteaof()  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def overwritten(self, key: str) -> Iterator[None]:
        """Overwrite a key with a text for the block, as a program with the same key names would."""
        hidden = f"{key}:hidden"
        with contextlib.suppress(ResponseError):  # the key does not exist
            self.redis.rename(key, hidden)
        try:
            self.redis.set(key, "not what belongs here")
            yield
        finally:
            self.redis.delete(key)
            with contextlib.suppress(ResponseError):
                self.redis.rename(hidden, key)

    @contextlib.contextmanager
    def redis_option(self, before: str, after: str) -> Iterator[None]:
        """Run Redis with one more line in its configuration file, for the block."""
        self._restart_redis_with(before, after)
        try:
            yield
        finally:
            self._restart_redis_with(after, before)

    def _restart_redis_with(self, before: str, after: str) -> None:
        path = self.directory / "stack" / "redis.conf"
        with self._services.stopped(REDIS):
            text = path.read_text(encoding="utf-8")
            if f"\n{before}\n" not in text:
                raise ValueError(f"expected the line {before!r} in {path.name}")
            path.write_text(text.replace(f"\n{before}\n", f"\n{after}\n"), encoding="utf-8")
        wait_until(self._redis_answers, "an answer of Redis")

    def _redis_answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    # --- applications --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def workers(
        self, queue: str, *options: str, count: int = 1, **environment: str
    ) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run workers of an application's queue for the block.

        Args:
            queue: the queue.
            options: of proofs.drill.worker.
            count: the number of workers.
            environment: their settings.
        """
        running = [self.python("proofs.drill.worker", queue, *options, **environment) for _ in range(count)]
        try:
            self.wait_for_workers(queue, count)
            yield running
        finally:
            self.empty(queue)
            end(running, WORKERS_END_WITHIN)

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker of `workers` together with its work horse."""
        kill_with_children(worker.pid)
        worker.wait()

    def python(self, module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a module of the copy as an application on this machine that uses the stack's Redis."""
        own = {REDIS_URL: self.copy.redis_url(), MARK: str(self.directory)}
        return start_python(
            "-m",
            module,
            *arguments,
            cwd=self.directory,
            environment=self.copy.environment | own | environment,
            log=self.directory.parent / f"{module}.log",
        )

    @contextlib.contextmanager
    def cron_job(self, entry: CronEntry) -> Iterator[None]:
        """Schedule a cron job for the block."""
        registry = CronRegistry(self.redis)
        cron_job = entry.define(Settings(), time.time())
        try:
            registry.register(cron_job)
            yield
        finally:
            registry.cancel(cron_job.id)

    def queue(self, name: str) -> Queue:
        """Return RQ's queue object."""
        return Queue(name, connection=self.redis)

    def enqueue(self, queue: str, function: Callable[..., None], *arguments: Any) -> Job:
        """Enqueue a job without retries."""
        return self.queue(queue).enqueue(function, *arguments)

    def stop_job(self, job: Job) -> None:
        """Stop a running job, as a person would who does not want to wait for it."""
        send_stop_job_command(self.redis, job.id)

    def empty(self, queue: str) -> None:
        """Delete the jobs that wait in a queue."""
        self.queue(queue).empty()  # type: ignore[no-untyped-call]

    def delete_failed(self, queue: str) -> None:
        purge_jobs(self.queue(queue), "failed")

    # --- waiting -------------------------------------------------------------------------------------------

    def wait_for_workers(self, queue: str, count: int) -> None:
        """Wait until the queue has these workers: on a busy machine an alert may be faster."""
        of_queue = self.queue(queue)
        wait_until(lambda: Worker.count(queue=of_queue) >= count, f"{count} worker(s) of {queue}", within=60)

    def wait_for_horse(self, job: Job) -> int:
        """Return the process id that a job of `proofs.drill.jobs.take` reports."""

        def horse() -> int:
            return int(job.get_meta(refresh=True).get(HORSE, 0))

        return wait_until(horse, f"{job.id} to run", within=60)

    def wait_until_scheduled_jobs_are_gone(self, queue: str) -> None:
        """Wait until the delayed jobs of a queue have been enqueued."""
        registry = self.queue(queue).scheduled_job_registry
        wait_until(lambda: registry.count == 0, f"the delayed jobs of {queue} to be enqueued")

    def wait_until_no_job_runs(self, queue: str) -> None:
        """Wait until no job of a queue is running."""
        registry = self.queue(queue).started_job_registry
        wait_until(lambda: registry.get_job_count(cleanup=False) == 0, f"no job of {queue} to run", within=60)

    def wait_until_a_tick_is_late(self, seconds: float) -> None:
        """Wait until the next tick of a cron job is overdue by more than this."""

        def lateness() -> float:
            next_tick = TickClaims(self.redis, GRACE_SECONDS).next_tick()
            return time.time() - (next_tick or time.time())

        wait_until(lambda: lateness() > seconds, f"a tick to be {seconds} s late", within=seconds + 30)

    def wait_until_prometheus_has(self, query: str) -> None:
        """Wait until a query returns something."""

        def found() -> list[Any]:
            answer: list[Any] = self.copy.ask_prometheus("query", query=query)["result"]
            return answer

        wait_until(found, f"{query} in Prometheus", every=0.5)

    def wait_until_over(self, alert: str) -> None:
        """Wait until Prometheus no longer has the alert."""
        wait_until(
            lambda: all(each["labels"]["alertname"] != alert for each in self.alerts()),
            f"the end of {alert}",
            within=90,
            every=0.5,
        )

    # --- alerts --------------------------------------------------------------------------------------------

    def alerts(self) -> list[dict[str, Any]]:
        """The current alerts in Prometheus, pending or firing."""
        found: list[dict[str, Any]] = self.copy.ask_prometheus("alerts")["alerts"]
        return found

    def prometheus_missed_itself(self, seconds: float) -> bool:
        """Return whether Prometheus failed to scrape itself in time during the last seconds."""
        query = f'min_over_time(up{{job="{PROMETHEUS.name}"}}[{round(seconds)}s]) == 0'
        try:
            return bool(self.copy.ask_prometheus("query", query=query)["result"])
        except OSError:
            return True

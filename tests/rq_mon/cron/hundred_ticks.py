"""Two cron schedulers with a one-second schedule, which are killed and restarted in turn."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.connection.client import connect
from tests.harness.processes import Process

TICKS = 100
DEADLINE = 170.0

CRON_SCHEDULER = """
from scheduler.cron.entries import CronEntry
from rq_mon.cron.runner import run_cron_scheduler

run_cron_scheduler(
    [CronEntry(id="second", function="tests.harness.jobs.sleep", cron="* * * * * *", queue_name="queue")]
)
"""


class HundredTicks:
    """Runs in the background with its own Redis until there are a hundred jobs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.redis = RedisServer(directory)
        self.random = random.Random(20250601)
        self.signals: list[signal.Signals] = []
        self.failure: BaseException | None = None
        self._aborted = threading.Event()
        self._processes: list[Process] = []
        self._starts = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.redis.start()
        self._thread.start()

    def _run(self) -> None:
        try:
            self._processes = [self._start_scheduler(), self._start_scheduler()]
            self._kill_and_start_until_done()
        except BaseException as error:  # the test that waits for the run raises it
            self.failure = error
        finally:
            for process in self._processes:
                process.kill()

    def _kill_and_start_until_done(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while len(self.job_ids()) < TICKS and time.monotonic() < deadline and not self._aborted.is_set():
            self._aborted.wait(self.random.uniform(0, 3))
            victim = self.random.randrange(2)
            self._processes[victim].popen.send_signal(self._any_signal())
            self._processes[victim].wait()
            self._aborted.wait(self.random.uniform(0, 1))
            self._processes[victim] = self._start_scheduler()

    def _any_signal(self) -> signal.Signals:
        self.signals.append(self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        return self.signals[-1]

    def _start_scheduler(self) -> Process:
        """Return a cron scheduler that has registered, so that one of the two is always running."""
        self._starts += 1
        log = self.directory / f"cron-scheduler-{self._starts}.log"
        process = Process(log, "-c", CRON_SCHEDULER, env=os.environ | {"RQ_REDIS_URL": self.redis.url})
        process.wait_for_log("registered cron_job=second", within=60)
        return process

    def job_ids(self) -> list[str]:
        with connect(self.redis.url) as client:
            ids: Any = client.lrange("rq:queue:queue", 0, -1)
        return [job_id.decode() for job_id in ids]

    def tick_counts(self) -> dict[str, int]:
        with connect(self.redis.url) as client:
            counts: Any = client.hgetall(catalogue.CRON_TICKS_KEY)
        return {field.decode(): int(count) for field, count in counts.items()}

    def wait(self) -> None:
        wait_until(lambda: not self._thread.is_alive(), "a hundred ticks", within=DEADLINE + 60, every=0.5)
        if self.failure is not None:
            raise self.failure

    def abort(self) -> None:
        self._aborted.set()
        self._thread.join(60)
        self.redis.kill()

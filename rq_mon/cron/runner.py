"""The cron scheduler process: registers a list of cron jobs, then enqueues every tick until it is stopped."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from redis.exceptions import RedisError

from rq_mon.calls.serializers import FORMATS
from rq_mon.connection.client import connect
from rq_mon.connection.clock import redis_time
from rq_mon.cron.clock_correction import follow_clock
from rq_mon.cron.definition import CronJob
from rq_mon.cron.entries import CronEntry, CronEntryError, define_all
from rq_mon.cron.lists import CronList, ListChange
from rq_mon.cron.liveness import ALIVE_FOR_SECONDS, announce, scheduler_name, withdraw
from rq_mon.cron.schedule import CORRECTION_SECONDS
from rq_mon.cron.ticks import TickClaims
from rq_mon.logs import configure_logging
from rq_mon.settings import Settings, settings_of_process
from rq_mon.state.cron_owners import Generation

T = TypeVar("T")

logger = logging.getLogger(__name__)

MAX_SLEEP_SECONDS = 1.0
"""Another process may register a cron job that is due earlier than those known now."""

ANNOUNCE_INTERVAL_SECONDS = ALIVE_FOR_SECONDS / 3
MAX_BACKOFF_SECONDS = 2.0

FAREWELL_SECONDS = 1.0
"""SIGTERM must end the process within 2 s, also while Redis does not answer."""


def run_cron_scheduler(entries: Sequence[CronEntry]) -> None:
    """Register the list as SCHEDULER_CRON_LIST names it, and enqueue all ticks until SIGTERM or SIGINT."""
    settings = settings_of_process()
    configure_logging(settings.log_level, settings.log_format)
    try:
        cron_jobs = define_all(entries, settings, time.time())
    except CronEntryError as error:
        sys.exit(f"No cron job was changed: {error}")
    scheduler = CronScheduler(settings, cron_jobs)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.stop())
    scheduler.run()


class CronScheduler:
    """Registers cron jobs, then enqueues ticks; any number of these may run.

    The work runs in a thread, so that the process can end while that thread waits for Redis.
    """

    def __init__(self, settings: Settings, cron_jobs: Sequence[CronJob]) -> None:
        self.name = scheduler_name()
        self.cron_jobs = cron_jobs
        self.connection = connect(settings.redis_url, attempts=1)  # failures are retried here
        self.list = CronList(self.connection, settings.cron_list)
        self.claims = TickClaims(self.connection, settings.cron_grace, FORMATS[settings.serializer])
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._announced_at: float | None = None
        self._generation: Generation | None = None
        self._seen_at = math.inf  # the clock may have been set back before this process began

    def run(self) -> None:
        """Work until `stop` is called; wait during outages of Redis."""
        logger.info("%s started", self.name)
        thread = threading.Thread(target=self._work, name="cron", daemon=True)
        thread.start()
        self._stopping.wait()
        thread.join(FAREWELL_SECONDS)
        if self._failure is not None:
            raise self._failure
        logger.info("%s stopped", self.name)

    def stop(self) -> None:
        """Make `run` return; a signal handler may call it."""
        self._stopping.set()

    def _work(self) -> None:
        try:
            self._until_redis_answers(self._register)
            while not self._stopping.is_set():
                self._stopping.wait(self._until_redis_answers(self._look))
            withdraw(self.connection, self.name)
        except RedisError as error:
            logger.warning("%s could not deregister: %s", self.name, error)
        except Exception as error:  # `run` raises it
            self._failure = error
        finally:
            self._stopping.set()

    def _until_redis_answers(self, action: Callable[[], T]) -> T | None:
        """Return the result of `action` as soon as Redis answers; None when it is time to stop."""
        backoff, waited = 0.1, False
        while not self._stopping.is_set():
            try:
                result = action()
            except RedisError as error:
                if not waited:
                    logger.warning("Redis does not answer, waiting for it: %s", error)
                waited = True
                self._stopping.wait(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
            else:
                if waited:
                    logger.info("Redis answers again")
                return result
        return None

    def _register(self) -> None:
        if self._generation is None:
            self._generation = self.list.new_generation()
        self._report(self.list.register(self.cron_jobs, self._generation))

    def _report(self, change: ListChange) -> None:
        if not change.is_newest:
            logger.warning("cron jobs unchanged: a newer start of list=%s registered them", self.list.name)
            return
        for cron_job in self.cron_jobs:
            logger.info(
                "registered cron_job=%s schedule=%r",
                cron_job.id,
                cron_job.schedule.expression,
                extra={
                    "cron_job": cron_job.id,
                    "queue": cron_job.queue_name,
                    "function": cron_job.function,
                },
            )
        for cron_job_id in change.cancelled:
            logger.info(
                "cancelled cron_job=%s: not on the list", cron_job_id, extra={"cron_job": cron_job_id}
            )
        if change.unclaimed:
            logger.warning(
                "kept cron jobs of an earlier version that are not in list=%s: %s. To cancel one: rqmon "
                "cron cancel CRON_JOB",
                self.list.name,
                ", ".join(change.unclaimed),
            )

    def _look(self) -> float:
        """Enqueue the due ticks, and return the seconds until the next look."""
        self._stay_alive()
        now = redis_time(self.connection)
        if self._seen_at - now > CORRECTION_SECONDS:
            follow_clock(self.connection, now)
        self._seen_at = now
        next_tick = self.claims.next_tick()
        if next_tick is None:
            return MAX_SLEEP_SECONDS
        if next_tick <= now:
            self.claims.claim(now)
            return 0
        return min(next_tick - now, MAX_SLEEP_SECONDS)

    def _stay_alive(self) -> None:
        now = time.monotonic()
        if self._announced_at is not None and now < self._announced_at + ANNOUNCE_INTERVAL_SECONDS:
            return
        announce(self.connection, self.name)
        if self._generation is not None and self.list.newest_generation() < self._generation:
            logger.warning("Redis has lost its data: registering list=%s again", self.list.name)
            self._register()
        self._announced_at = now

"""What the worker scripts run: one worker for one queue, from before Redis is there until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
import time

from redis import Redis
from redis.exceptions import RedisError

from scheduler.connection import connect
from scheduler.logs import configure_logging
from scheduler.settings import Settings
from scheduler.supervised_worker import SupervisedWorker, build_worker

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LOG_EVERY = 10


def run_worker(queue_name: str) -> None:
    """Work one queue, with RQ's scheduler for its delayed jobs and retries.

    SIGTERM and SIGINT end it after the current job. If it loses Redis in a way that RQ does not get over, it
    ends with exit code 1, for its supervisor to start it again.
    """
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    connection = connect(settings.redis_url)
    _wait_for_redis(connection)
    if not _work(build_worker([queue_name], connection, settings)):
        sys.exit(1)


def _wait_for_redis(connection: Redis) -> None:
    """Return as soon as Redis answers; the first process of a container ignores signals without a handler."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    attempt = 0
    while True:
        try:
            connection.ping()
        except RedisError as error:
            if attempt % LOG_EVERY == 0:
                logger.warning("Redis does not answer, waiting for it: %s", error)
            attempt += 1
            time.sleep(RETRY_SECONDS)
        else:
            return


def _work(worker: SupervisedWorker) -> bool:
    """Work until told to stop, and return whether that is why the worker ended."""
    try:
        worker.work(with_scheduler=True)
    except RedisError as error:
        logger.warning("Worker %s: could not say that it ends: %s", worker.name, error)
    return worker.stop_was_requested

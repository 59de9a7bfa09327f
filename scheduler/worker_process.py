"""Runs one worker for one queue, from before Redis is up until SIGTERM; for the worker scripts.

`python -m scheduler.worker_process QUEUE` works any queue.
"""

from __future__ import annotations

import itertools
import logging
import os
import signal
import sys
import time

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from rq_mon.connection.client import connect
from rq_mon.logs import configure_logging
from rq_mon.settings import settings_of_process
from scheduler.supervised_worker import SupervisedWorker, build_worker

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LOG_EVERY = 10


def run_worker(queue_name: str) -> None:
    """Run a worker for one queue, with RQ's scheduler for its delayed jobs and retries.

    SIGTERM and SIGINT end it after the current job. RQ's worker also ends when it loses Redis at an unlucky
    moment; then this process starts again, with the same process id.
    """
    settings = settings_of_process()
    configure_logging(settings.log_level, settings.log_format)
    connection = connect(settings.redis_url)
    _wait_for_redis(connection)
    if _work(build_worker([queue_name], connection, settings)):
        return
    logger.warning("the worker ended unexpectedly: starting it again")
    _exit_on_signals()
    time.sleep(RETRY_SECONDS)
    # No thread or connection of the old worker is left.
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def _exit_on_signals() -> None:
    """End at once on a signal, even as a container's first process, which ignores unhandled ones."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _wait_for_redis(connection: Redis) -> None:
    _exit_on_signals()
    for attempt in itertools.count():
        try:
            connection.ping()
        except RedisError as error:
            if attempt % LOG_EVERY == 0:
                logger.warning("Redis does not answer, waiting for it: %s", error)
            time.sleep(RETRY_SECONDS)
        else:
            return


def _work(worker: SupervisedWorker) -> bool:
    """Run the worker; return whether it ended because it was asked to."""
    worker._install_signal_handlers()  # type: ignore[no-untyped-call]  # RQ does so later
    try:
        worker.work(with_scheduler=True)
    except StopRequested:
        worker.teardown()  # RQ does so for a worker that has begun to work
    except RedisError as error:
        logger.warning("Worker %s: cannot report that it stops: %s", worker.name, error)
    return worker.was_asked_to_stop


if __name__ == "__main__":
    run_worker(sys.argv[1])

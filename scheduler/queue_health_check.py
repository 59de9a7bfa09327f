"""A job that logs the state of the queues."""

from __future__ import annotations

import logging

from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

logger = logging.getLogger(__name__)


def queue_health_check() -> dict[str, dict[str, int]]:
    """Log and return the number of queued, delayed and failed jobs of each queue.

    That it runs shows that cron scheduler, Redis and a worker are working.
    """
    counts = {}
    with DataHubScheduler() as scheduler:
        for queue in (SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE):
            counts[queue] = {
                "queued": scheduler.queued_count(queue),
                "scheduled": scheduler.scheduled_count(queue),
                "failed": scheduler.failed_count(queue),
            }
            logger.info(
                "queue health: queue=%s queued=%d scheduled=%d failed=%d", queue, *counts[queue].values()
            )
    return counts

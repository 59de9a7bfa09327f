from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE, DataHubScheduler
from scheduler.queue_health_check import queue_health_check
from tests.harness import jobs


def test_logs_the_state_of_the_queues(redis_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with DataHubScheduler("burst-no-fork") as scheduler:
        scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.fail)
        scheduler.work(SHORT_RUNNING_QUEUE)
        scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.sleep, 0)
        scheduler.enqueue_in(LONG_RUNNING_QUEUE, timedelta(hours=1), jobs.sleep, 0)

    caplog.set_level("INFO", "scheduler.queue_health_check")
    counts = queue_health_check()

    assert counts == {
        SHORT_RUNNING_QUEUE: {"queued": 1, "scheduled": 0, "failed": 1},
        LONG_RUNNING_QUEUE: {"queued": 0, "scheduled": 1, "failed": 0},
    }
    assert "queue=short-running queued=1 scheduled=0 failed=1" in caplog.text

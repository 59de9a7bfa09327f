"""An abandoned execution counts by its own record, whatever happened to the job later."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq import Queue, Retry

from rq_mon.worker.abandoned import count_abandoned
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker
from rq_mon.worker.recorder import JobRecorder
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, running

LONG_AGO = "2026-11-24T03:12:35.381567Z"


@pytest.mark.parametrize("later", [1, 2])
def test_an_execution_stays_abandoned_even_if_its_worker_ran_the_job_again(
    redis_client: Redis, queue: Queue, start_worker: StartWorker, later: int
) -> None:
    """As when a power failure took the record of an end: RQ retries the job, and its worker never died."""
    worker: Any = start_worker("mail", kind=MonitoredSimpleWorker)
    job = queue.enqueue(jobs.succeed, retry=Retry(3))
    queue.remove(job)
    for _ in range(later):
        worker.prepare_execution(job)
        redis_client.delete(queue.started_job_registry.key)  # RQ has abandoned it
        worker.execution = None  # and its worker runs another job by now
    worker.execute_job(job, queue)
    assert running(redis_client, "mail") == later

    redis_client.hset(worker.key, "last_heartbeat", LONG_AGO)
    found = count_abandoned(redis_client, JobRecorder(5, 5), "mail")

    assert found == later
    assert ends(redis_client, "mail") == {("succeed", "success"): 1, ("succeed", "abandoned"): later}
    assert running(redis_client, "mail") == 0

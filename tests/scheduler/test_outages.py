"""What happens to a job while Redis is down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from rq import Retry

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE, DataHubScheduler
from tests.harness import jobs
from tests.harness.processes import Process, Start
from tests.harness.workers import is_waiting_for_jobs
from tests.rq_mon.worker.counters import series

pytestmark = pytest.mark.slow

WAITS = "waiting for Redis"
"""The log message when redis-py has given up."""

SCHEDULER_WAITS = "rq.scheduler: Scheduler of short-running"
WORKER_WAITS = "could not connect to Redis instance"


def wait_for(job: Any, status: str) -> None:
    wait_until(lambda: job.get_status() == status, f"job {job.id} to be {status}", within=90)


@pytest.mark.parametrize("moment", ["prepare", "perform"])
def test_a_job_that_has_not_begun_runs_once_redis_is_back(
    own_redis: RedisServer, start: Start, tmp_path: Path, moment: str
) -> None:
    own_redis.start()
    with DataHubScheduler() as scheduler:
        job = scheduler.enqueue(SHORT_RUNNING_QUEUE, jobs.add, 1, 2)
        worker = start("-m", "tests.scheduler.held_worker", moment, str(tmp_path))
        wait_until((tmp_path / "held").exists, "the work horse to begin", within=90)

        own_redis.kill()
        (tmp_path / "go").touch()
        if moment == "prepare":
            worker.wait_for_log(WAITS)
        own_redis.start()

        wait_for(job, "finished")
        assert job.return_value() == 3


@pytest.mark.parametrize(
    ("how", "retry", "runs", "status", "counted"),
    [
        ("returns", None, 1, "finished", {"success": 1}),
        ("raises", None, 1, "failed", {"failed": 1}),
        ("raises", Retry(2), 3, "failed", {"retried": 2, "failed": 1}),
        ("asks for a retry", None, 2, "finished", {"retried": 1, "success": 1}),
    ],
)
def test_a_job_that_ended_during_an_outage_has_its_outcome_once_redis_is_back(
    own_redis: RedisServer,
    start: Start,
    tmp_path: Path,
    how: str,
    retry: Retry | None,
    runs: int,
    status: str,
    counted: dict[str, int],
) -> None:
    own_redis.start()
    begun, end = tmp_path / "begun", tmp_path / "end"
    with DataHubScheduler() as scheduler:
        job = scheduler.enqueue(
            SHORT_RUNNING_QUEUE, jobs.end_after_file, str(begun), str(end), how, retry=retry
        )
        worker = start("short-running-worker.py", RQ_JOB_MONITORING_INTERVAL_SECONDS="20")
        wait_until(begun.exists, "the job to begin", within=90)

        own_redis.kill()
        end.touch()
        worker.wait_for_log(WAITS)
        own_redis.start()

        wait_for(job, status)
        assert begun.read_text() == "begun\n" * runs
        reported = series(scheduler.connection, SHORT_RUNNING_QUEUE, "tests.harness.jobs.end_after_file")
        assert {outcome: ended.count for outcome, ended in reported.outcomes.items()} == counted
        assert set(reported.exceptions) == ({"ZeroDivisionError"} if how == "raises" else set())


def test_a_running_job_is_not_abandoned_after_a_long_outage(
    own_redis: RedisServer, start: Start, tmp_path: Path
) -> None:
    """The idle worker looks first, when the other's lease has ended."""
    own_redis.start()
    begun, end = tmp_path / "begun", tmp_path / "end"
    with DataHubScheduler() as scheduler:
        job = scheduler.enqueue(
            SHORT_RUNNING_QUEUE, jobs.end_after_file, str(begun), str(end), "returns", retry=Retry(1)
        )
        busy = start("short-running-worker.py")
        wait_until(begun.exists, "the job to begin", within=90)
        idle = start("short-running-worker.py")
        idle.wait_for_log("cleaning registries")

        own_redis.kill()
        wait_until(lambda: busy.output.count("cannot report") >= 2, "its lease of 3 s to end", within=90)
        cleaned = idle.output.count("cleaning registries")
        own_redis.start()
        wait_until(
            lambda: idle.output.count("cleaning registries") > cleaned, "the idle one to look", within=90
        )
        end.touch()

        wait_for(job, "finished")
        assert begun.read_text() == "begun\n"


# --- delayed jobs ------------------------------------------------------------------------------------------

NO_MAINTENANCE = {"RQ_MAINTENANCE_INTERVAL_SECONDS": "3600"}
"""RQ starts an ended scheduler again in a worker's maintenance. Here it must not end."""


def start_idle_worker(redis: RedisServer, start: Start) -> Process:
    """Return a worker that waits for jobs. If Redis ends in its maintenance before, it starts again."""
    redis.start()
    worker = start("short-running-worker.py", **NO_MAINTENANCE)
    with connect(redis.url) as connection:
        wait_until(lambda: is_waiting_for_jobs(connection), "the worker to wait for jobs", within=90)
    worker.wait_for_log("rq.scheduler: Scheduler for short-running started")
    return worker


def test_a_job_that_becomes_due_during_an_outage_begins_once_redis_is_back(
    own_redis: RedisServer, start: Start
) -> None:
    worker = start_idle_worker(own_redis, start)
    with DataHubScheduler() as scheduler:
        for outage in (1, 2):
            wait_until(lambda: is_waiting_for_jobs(scheduler.connection), "the worker to be idle")
            job = scheduler.enqueue_in(SHORT_RUNNING_QUEUE, timedelta(seconds=2), jobs.add, 1, outage)
            own_redis.kill()
            worker.wait_for_log(SCHEDULER_WAITS, times=outage)
            own_redis.start()

            wait_for(job, "finished")
            assert job.return_value() == 1 + outage


def test_a_scheduler_says_once_that_it_waits(own_redis: RedisServer, start: Start) -> None:
    worker = start_idle_worker(own_redis, start)

    own_redis.kill()
    worker.wait_for_log(SCHEDULER_WAITS)
    worker.wait_for_log(WORKER_WAITS, times=worker.output.count(WORKER_WAITS) + 3)

    assert worker.output.count(SCHEDULER_WAITS) == 1, "each tries as often, and RQ's worker always says so"


@pytest.mark.parametrize("worker_ends", ["stopped", "killed"])
def test_a_scheduler_ends_with_its_worker_while_redis_is_down(
    own_redis: RedisServer, start: Start, worker_ends: str
) -> None:
    worker = start_idle_worker(own_redis, start)
    children = worker.children()
    assert children
    own_redis.kill()
    worker.wait_for_log(SCHEDULER_WAITS)

    if worker_ends == "stopped":
        worker.stop(within=30)
    else:
        worker.kill(with_children=False)

    gone, alive = psutil.wait_procs(children, timeout=30)
    assert (len(gone), alive) == (len(children), [])

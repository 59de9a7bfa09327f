"""Every query of every panel finds data in a running stack: under demo load, with failures of each kind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import time

import psutil
import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job, JobStatus

from proofs.harness.boards import PANEL_QUERIES, Asked, interpolate, step_of
from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.connection.client import connect
from scheduler import LONG_RUNNING_QUEUE, job_scheduler
from stack.services import CRON_SCHEDULER, LONG_RUNNING_WORKER, Service
from tests.stack.native import jobs

pytestmark = [
    pytest.mark.e2e(seconds=120),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

RANGE = 300
WITHIN = 240.0
UNSERVED = "unserved"

RIGHTLY_EMPTY = {
    "rq-stack-health: Notifications A": "nobody is to be told of alerts, as long as no receivers are set",
}
"""Queries that find nothing even here, and why."""

IMPATIENT = {
    "RQ_WORKER_TTL_SECONDS": "16",
    "RQ_JOB_MONITORING_INTERVAL_SECONDS": "1",
    "RQ_MAINTENANCE_INTERVAL_SECONDS": "1",
    "SCHEDULER_CRON_GRACE_SECONDS": "5",
}


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.environment |= IMPATIENT
    copy.evaluate_rules_every(seconds=2)
    started = copy.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    yield copy
    copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


@pytest.fixture
def redis(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """The Redis of the stack, which also gets the jobs that the test schedules."""
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
    with connect(stack.redis_url()) as client:
        yield client


@contextmanager
def demo_load(stack: NativeStack) -> Iterator[None]:
    command = ["make", "--no-print-directory", "demo", f"SECONDS={round(WITHIN)}"]
    with subprocess.Popen(
        command, cwd=stack.directory, env=stack.environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def process_of(stack: NativeStack, service: Service) -> psutil.Process:
    return psutil.Process(stack.numbers()[service.name])


def running_work_horse(stack: NativeStack, redis: Redis) -> psutil.Process:
    """The process that runs a job without end and without retries, newer than the worker's scheduler."""
    job = job_scheduler(jobs.take, function_args=[600], queue_name=LONG_RUNNING_QUEUE, max_retries=None)
    wait_until(
        lambda: Job.fetch(job.id, connection=redis).get_status() == JobStatus.STARTED,
        "the job to run",
        within=WITHIN,
    )
    return max(process_of(stack, LONG_RUNNING_WORKER).children(), key=lambda child: child.create_time())


def kill_a_work_horse(stack: NativeStack, redis: Redis) -> None:
    running_work_horse(stack, redis).kill()
    killed = f'rq_job_failures_total{{exception="{catalogue.WORK_HORSE_KILLED}"}}'
    wait_until(lambda: stack.sum_of(killed), "a killed work horse", within=WITHIN)


def kill_a_worker(stack: NativeStack, redis: Redis) -> None:
    """And its work horse, so that the job is abandoned; supervisord starts another worker."""
    horse = running_work_horse(stack, redis)
    process_of(stack, LONG_RUNNING_WORKER).kill()
    horse.kill()
    abandoned = 'rq_jobs_processed_total{outcome="abandoned"}'
    wait_until(lambda: stack.sum_of(abandoned), "an abandoned job", within=WITHIN)


def miss_cron_ticks(stack: NativeStack) -> None:
    """The only cron scheduler is frozen for longer than its grace time."""
    job_scheduler(jobs.succeed, cron="* * * * * *")
    wait_until(lambda: stack.sum_of('rq_cron_ticks_total{result="enqueued"}'), "a tick", within=WITHIN)
    scheduler = process_of(stack, CRON_SCHEDULER)
    scheduler.suspend()
    late = "time() - min(rq_cron_job_next_tick_timestamp_seconds)"
    wait_until(lambda: stack.sum_of(late) > 15, "the cron job to be late", within=WITHIN)
    scheduler.resume()
    wait_until(lambda: stack.sum_of('rq_cron_ticks_total{result="missed"}'), "a missed tick", within=WITHIN)


def inject_failures(stack: NativeStack, redis: Redis) -> None:
    # The first failure of a function counts once the rules know that there was none half a minute before.
    wait_until(lambda: stack.sum_of("rq_redis_up offset 30s"), "half a minute of scrapes", within=WITHIN)
    job_scheduler(jobs.fail, max_retries=None)
    job_scheduler(jobs.succeed_at_second_try, max_retries=1)
    job_scheduler(jobs.take, function_args=[600], job_timeout=1, max_retries=None)
    job_scheduler(jobs.succeed, time_delta=timedelta(hours=1))
    unserved = Queue(UNSERVED, connection=redis)
    unserved.enqueue("time.sleep", 0)
    unserved.enqueue_in(timedelta(seconds=1), "time.sleep", 0)
    Worker(["plain"], connection=redis, name="plain").register_birth()  # type: ignore[no-untyped-call]
    Queue("plain", connection=redis).enqueue("time.sleep", 0)
    kill_a_work_horse(stack, redis)
    kill_a_worker(stack, redis)
    miss_cron_ticks(stack)
    redis.sadd("rq:queues", "no queue's key")
    job_scheduler(jobs.take, function_args=[600], job_timeout=600, queue_name=LONG_RUNNING_QUEUE)


def is_answered(stack: NativeStack, query: Asked) -> bool:
    now = time()
    expr = interpolate(query, RANGE)
    if query.instant:
        answer = stack.ask_prometheus("query", query=expr, time=str(now))
    else:
        answer = stack.ask_prometheus(
            *("query_range",),
            query=expr,
            start=str(now - RANGE),
            end=str(now),
            step=str(step_of(query, RANGE)),
        )
    return bool(answer["result"])


def test_every_query_of_every_panel_finds_data(stack: NativeStack, redis: Redis) -> None:
    missing = set(PANEL_QUERIES)

    def look() -> bool:
        # Redis refuses a worker's counts: the worker notes it under the error's name.
        redis.hincrby(catalogue.WRITE_ERRORS_KEY, "OOM", 1)
        with ThreadPoolExecutor(4) as pool:
            asked = list(missing)
            answered = pool.map(partial(is_answered, stack), asked)
            missing.difference_update(q for q, found in zip(asked, answered, strict=True) if found)
        return {str(query) for query in missing} <= RIGHTLY_EMPTY.keys()

    with demo_load(stack):
        inject_failures(stack, redis)
        try:
            wait_until(look, "an answer to every query", within=WITHIN, every=2)
        except AssertionError:
            assert {str(query): query.expr for query in missing} == RIGHTLY_EMPTY

    assert {str(query) for query in missing} == RIGHTLY_EMPTY.keys()

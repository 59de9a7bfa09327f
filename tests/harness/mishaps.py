"""Faults in a running stack, so that every query has data: failures of each kind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psutil
from redis import Redis
from rq import Queue, Worker
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from scheduler import LONG_RUNNING_QUEUE, job_scheduler
from stack.services import CRON_SCHEDULER, LONG_RUNNING_WORKER, Service
from tests.harness import stack_jobs as jobs

WITHIN = 240.0
UNSERVED = "unserved"

IMPATIENT = {
    "RQ_WORKER_TTL_SECONDS": "16",
    "RQ_JOB_MONITORING_INTERVAL_SECONDS": "1",
    "RQ_MAINTENANCE_INTERVAL_SECONDS": "1",
    "SCHEDULER_CRON_GRACE_SECONDS": "5",
}


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


def count_what_is_rare(redis: Redis) -> None:
    """Let Redis refuse a worker's counts, and requeue a job as an operator: one more at each call."""
    redis.hincrby(catalogue.WRITE_ERRORS_KEY, "OOM", 1)
    redis.hincrby(catalogue.OPERATOR_CHANGES_KEY, "requeue", 1)


def process_of(stack: NativeStack, service: Service) -> psutil.Process:
    return psutil.Process(stack.numbers()[service.name])


def running_work_horse(stack: NativeStack, redis: Redis) -> psutil.Process:
    """The work horse of a job without end and without retries, newer than the worker's scheduler."""
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
    """Kill a worker and its work horse, so that the job is abandoned; supervisord starts another worker."""
    horse = running_work_horse(stack, redis)
    process_of(stack, LONG_RUNNING_WORKER).kill()
    horse.kill()
    abandoned = 'rq_jobs_processed_total{outcome="abandoned"}'
    wait_until(lambda: stack.sum_of(abandoned), "an abandoned job", within=WITHIN)


def miss_cron_ticks(stack: NativeStack) -> None:
    """Freeze the only cron scheduler for longer than its grace time."""
    job_scheduler(jobs.succeed, cron="* * * * * *")
    wait_until(lambda: stack.sum_of('rq_cron_ticks_total{result="enqueued"}'), "a tick", within=WITHIN)
    scheduler = process_of(stack, CRON_SCHEDULER)
    scheduler.suspend()
    late = "time() - min(rq_cron_job_next_tick_timestamp_seconds)"
    wait_until(lambda: stack.sum_of(late) > 15, "the cron job to be late", within=WITHIN)
    scheduler.resume()
    wait_until(lambda: stack.sum_of('rq_cron_ticks_total{result="missed"}'), "a missed tick", within=WITHIN)


def inject_failures(stack: NativeStack, redis: Redis) -> None:
    # A first failure counts only if the rules knew half a minute before that there was none.
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

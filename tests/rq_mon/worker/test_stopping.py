"""A worker stops when it is asked to, wherever the signal interrupts it."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from types import FrameType

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import StopRequested
from rq.worker import WorkerStatus

from tests.harness.processes import Process, Start
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import jobs

pytestmark = pytest.mark.slow

SCRIPT = "tests.rq_mon.worker.signalled_worker"
WITHIN = 90
"""Seconds. Without a job it would wait ten minutes for one."""


def is_over(worker: Process) -> bool:
    try:
        worker.popen.wait(WITHIN)
    except subprocess.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize(
    ("worker_class", "line", "queues"),
    [
        ("MonitoredWorker", "Starting BLMOVE", ["mail"]),
        ("MonitoredWorker", "Starting BLPOP", ["mail", "sms"]),
        ("MonitoredSimpleWorker", "dequeueing jobs on queues", ["mail"]),
        ("SupervisedWorker", "Starting BLMOVE", ["mail", "sms"]),
        ("MonitoredWorker", "cleaning registries", ["mail"]),
        ("SupervisedWorker", "dequeueing jobs on queues", ["mail"]),
    ],
)
def test_an_idle_worker_that_is_signalled_in_a_log_call_stops(
    start: Start, redis_client: Redis, worker_class: str, line: str, queues: list[str]
) -> None:
    worker = start("-m", SCRIPT, worker_class, "log", line, *queues)

    assert is_over(worker), worker.output
    assert worker.popen.returncode == 0
    assert "warm shut down requested" in worker.output or "stopping on request" in worker.output
    assert "Logging error" not in worker.output


@pytest.mark.parametrize("worker_class", ["MonitoredWorker", "MonitoredSimpleWorker", "SupervisedWorker"])
def test_a_busy_worker_that_is_signalled_finishes_its_job_and_takes_no_other(
    start: Start, redis_client: Redis, worker_class: str
) -> None:
    queue = Queue("mail", connection=redis_client)
    job, waiting = queue.enqueue(jobs.succeed), queue.enqueue(jobs.succeed)

    worker = start("-m", SCRIPT, worker_class, "lock", "", "mail")

    assert is_over(worker), worker.output
    assert (job.get_status(), waiting.get_status()) == ("finished", "queued")


def test_a_worker_stops_even_if_code_catches_the_exception_that_rq_raises(
    start: Start, redis_client: Redis
) -> None:
    worker = start("-m", SCRIPT, "MonitoredWorker", "swallowed", "", "mail")

    assert is_over(worker), worker.output
    assert "swallowed" in worker.output


def test_an_idle_worker_without_redis_stops_before_it_tries_again(
    start_worker: StartWorker,
) -> None:
    worker = start_worker("mail")
    worker.set_state(WorkerStatus.IDLE)

    worker.request_stop(signal.SIGTERM, frame_in_a_log_call())

    with pytest.raises(StopRequested):
        worker.heartbeat()


def frame_in_a_log_call() -> FrameType:
    frames: list[FrameType] = []

    class KeepsItsFrame(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            frames.append(sys._getframe())

    log = logging.Logger("one of its own")
    log.addHandler(KeepsItsFrame())
    log.warning("a line")
    return frames[0]

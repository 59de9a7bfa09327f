"""The record written at the start of an execution is read after its worker has died."""

from __future__ import annotations

import math
import time

import pytest
from rq import Queue

from rq_mon.worker.abandoned import RunningExecution
from rq_mon.worker.monitored_worker import TIME_TO_KILL
from tests.harness.workers import StartWorker
from tests.rq_mon.worker import jobs


@pytest.mark.parametrize("deadline", [1795491516.25, math.inf])
@pytest.mark.parametrize("function", ["app.send", "", "a\x1fb\n", '"größe"'])
def test_a_running_job_is_read_as_it_was_written(function: str, deadline: float) -> None:
    job = RunningExecution("job", "rq:worker:a b", "2026-11-24T03:12:35.381567Z", 70.0, deadline, function)
    assert RunningExecution.decode(job.encode()) == job


@pytest.mark.parametrize("text", ["", "nonsense", "\x1f" * 4, "a\x1fb\x1fc\x1fsoon\x1fnever\x1ff"])
def test_a_malformed_record_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"running job|could not convert"):
        RunningExecution.decode(text)


def test_the_deadline_is_the_timeout_plus_the_time_that_rq_needs_to_kill_a_job(
    queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker("mail", job_monitoring_interval=7)
    before = time.time()

    limited = worker._deadline(queue.enqueue(jobs.succeed, job_timeout=50))

    assert before <= limited - 50 - 7 - TIME_TO_KILL <= time.time()
    assert worker._deadline(queue.enqueue(jobs.succeed, job_timeout=-1)) == math.inf

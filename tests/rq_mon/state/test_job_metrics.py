"""Hashes of functions are only parsed again after a change."""

from __future__ import annotations

import time

from redis import Redis

from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import JobMetrics, QueueFunction
from rq_mon.state.memory import Memory
from rq_mon.state.pipeline import read_together
from rq_mon.state.round_trip import Answer
from rq_mon.worker.recorder import End, JobRecorder

RECORDER = JobRecorder(max_functions=5, max_exceptions=5)


def count(client: Redis, execution: str, queue: str, function: str) -> None:
    RECORDER.record_end(client, End(execution, "job", queue, function, "success"))


def answers(metrics: JobMetrics, client: Redis) -> dict[QueueFunction, Answer]:
    errors = Errors()
    found = read_together(client, {"jobs": metrics.read(errors, Memory())}, errors, time.monotonic() + 60)
    return {group.functions[0]: group.answer for group in found["jobs"].functions}


def test_an_unchanged_hash_is_not_parsed_again(redis_client: Redis) -> None:
    metrics = JobMetrics()
    count(redis_client, "first", "mail", "send")
    count(redis_client, "second", "reports", "print")
    before = answers(metrics, redis_client)

    count(redis_client, "third", "mail", "send")
    after = answers(metrics, redis_client)

    assert {*before} == {*after} == {("mail", "send"), ("reports", "print")}
    assert after["reports", "print"] is before["reports", "print"]
    assert after["mail", "send"] is not before["mail", "send"]

"""Whatever the names in Redis, the exposition is valid and has no duplicate series."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from redis import Redis
from rq import Queue

from rq_mon import catalogue
from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import openmetrics_format, text_format
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.exporter import jobs
from tests.rq_mon.exporter.samples import errors_of, samples_of

HOSTILE = (
    'quote"',
    "back\\slash",
    "line\nfeed",
    "carriage\rreturn",
    "nul\0",
    "a,b",
    "{}=~",
    "ü🙂\u2028",
    "\\",
    " ",
)


@pytest.fixture
def hostile(redis_client: Redis) -> None:
    """A Redis whose queues, workers, functions and cron jobs have the worst names."""
    recorder = JobRecorder(max_functions=100, max_exceptions=100)
    for name in HOSTILE:
        Queue(name, connection=redis_client).enqueue(jobs.succeed)
        redis_client.hset(
            f"rq:worker:{name}", mapping={"birth": "2026-11-24T03:12:35Z", "state": name, "queues": name}
        )
        redis_client.sadd("rq:workers", f"rq:worker:{name}")
        recorder.record_start(redis_client, Start(name, name, description="", waited=1))
        recorder.record_end(redis_client, End(name, "job-1", name, name, "failed", name, seconds=1))
    surrogate = '{"queue": "\\ud800", "function": "\\n", "schedule": "\\"* * * * *"}'
    redis_client.hset(catalogue.CRON_JOBS_KEY, mapping={b'\xff"\n': surrogate})


def test_the_text_can_be_parsed_and_contains_the_names(hostile: None, registry: CollectorRegistry) -> None:
    text = b"".join(plain(text_format(registry.collect()))).decode()

    parsed = {family.name: family for family in parse_text(text)}

    assert {sample.labels["queue"] for sample in parsed["rq_queue_stuck_jobs"].samples} == {*HOSTILE}
    assert {sample.labels["function"] for sample in parsed["rq_jobs_processed"].samples} == {*HOSTILE}


def test_openmetrics_can_be_parsed(hostile: None, registry: CollectorRegistry) -> None:
    text = b"".join(plain(openmetrics_format(registry.collect()))).decode()

    parsed = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]

    assert {sample.labels["queue"] for sample in parsed["rq_queue_stuck_jobs"].samples} == {*HOSTILE}


@pytest.mark.needs("promtool")
def test_prometheus_can_parse_it(hostile: None, registry: CollectorRegistry) -> None:
    text = b"".join(plain(text_format(registry.collect())))

    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)

    assert b"error while linting" not in checked.stderr, checked.stderr


def test_bytes_that_are_not_utf_8_are_shown_as_escapes(
    hostile: None, registry: CollectorRegistry, redis_client: Redis
) -> None:
    redis_client.sadd("rq:queues", b"rq:queue:\xff\xfe")
    worker: dict[Any, Any] = {"birth": b"2026-11-24T03:12:35Z", "state": b"\xfe", "queues": b"\xff\xfe,b"}
    key: Any = b"rq:worker:\xfd"
    redis_client.hset(key, mapping=worker)
    redis_client.sadd("rq:workers", key)

    assert registry.get_sample_value("rq_jobs", {"queue": r"\xff\xfe", "status": "queued"}) == 0
    assert registry.get_sample_value("rq_queue_workers", {"queue": r"\xff\xfe"}) == 1
    labels = {"name": r"\xfd", "state": r"\xfe", "queues": r"\xff\xfe,b"}
    assert registry.get_sample_value("rq_workers", labels) == 1


def test_only_one_of_two_names_with_the_same_text_is_served(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    redis_client.sadd("rq:queues", b"rq:queue:\xff", rb"rq:queue:\xff")
    keys: tuple[Any, ...] = (b"rq:worker:\xff", rb"rq:worker:\xff")
    for key in keys:
        redis_client.hset(key, mapping={"birth": "2026-11-24T03:12:35Z", "state": "idle", "queues": "mail"})
        redis_client.sadd("rq:workers", key)

    samples_of(registry)  # fails if a series appears twice

    assert errors_of(registry, "queues") == 2
    assert errors_of(registry, "workers") == 3


def test_cron_jobs_and_functions_with_the_same_label_are_served_once(
    registry: CollectorRegistry, redis_client: Redis
) -> None:
    definition = '{"queue": "q", "function": "f", "schedule": "* * * * *"}'
    redis_client.hset(catalogue.CRON_JOBS_KEY, mapping={b"\xff": definition, rb"\xff": definition})
    redis_client.hset(catalogue.CRON_TICKS_KEY, mapping={b"\xff:missed": "1", rb"\xff:missed": "1"})
    redis_client.hset(catalogue.WRITE_ERRORS_KEY, mapping={b"\xff": "1", rb"\xff": "1"})
    redis_client.sadd(catalogue.MONITORED_QUEUES_KEY, b"\xff", "mail")
    redis_client.sadd(catalogue.FUNCTIONS_KEY_PREFIX + "mail", b"\xff")

    samples_of(registry)  # fails if a series appears twice

    assert errors_of(registry, "jobs") == 4

"""The counts that workers wrote to Redis, read with the exporter's functions."""

from __future__ import annotations

from typing import Any

from redis import Redis

from rq_mon.catalogue import WRITE_ERRORS_KEY
from rq_mon.series import (
    Histogram,
    JobSeries,
    decode_jobs,
    decode_waits,
    functions_key,
    jobs_key,
    running_key,
    waits_key,
)


def series(redis: Redis, queue: str, function: str) -> JobSeries:
    fields: Any = redis.hgetall(jobs_key(queue, function))
    return decode_jobs(fields)


def functions(redis: Redis, queue: str) -> set[str]:
    members: Any = redis.smembers(functions_key(queue))
    return {member.decode() for member in members}


def ends(redis: Redis, queue: str) -> dict[tuple[str, str], int]:
    """Count of ended jobs by function (without its module) and outcome."""
    return {
        (short(function), outcome): histogram.count
        for function in functions(redis, queue)
        for outcome, histogram in series(redis, queue, function).outcomes.items()
    }


def failures(redis: Redis, queue: str) -> dict[tuple[str, str], int]:
    """Count of failures by function (without its module) and exception class."""
    return {
        (short(function), exception): counted.count
        for function in functions(redis, queue)
        for exception, counted in series(redis, queue, function).exceptions.items()
    }


def waits(redis: Redis, queue: str) -> Histogram:
    fields: Any = redis.hgetall(waits_key(queue))
    return decode_waits(fields)


def running(redis: Redis, queue: str) -> int:
    return int(redis.hlen(running_key(queue)))  # type: ignore[arg-type]


def write_errors(redis: Redis) -> dict[str, int]:
    fields: Any = redis.hgetall(WRITE_ERRORS_KEY)
    return {reason.decode(): int(count) for reason, count in fields.items()}


def short(function: str) -> str:
    return function.removeprefix("tests.rq_mon.worker.jobs.")

"""Read failed jobs, a page at a time."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result

from rq_mon.calls.job_function import function_in_pickle
from rq_mon.calls.serializers import PICKLE_PROTOCOL_2_OR_LATER
from rq_mon.catalogue import UNKNOWN_FUNCTION
from rq_mon.state.tracebacks import exception_of, exception_without_traceback

JOBS_PER_PAGE = 100
"""Redis works on so many at once, for less than a millisecond; so many are in memory."""

HEAD_OF_DATA = 65536
"""Bytes of a job's data, uncompressed, among which its function is named; the rest are its arguments."""

HEAD_OF_JSON = re.compile(r'\s*\[\s*("(?:[^"\\]|\\.)*")')

T = TypeVar("T")

FIELDS = ("ended_at", "data", "exc_info")


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job in the registry of failed jobs of a queue, as it was when it was read."""

    id: str
    queue: str
    function: str
    exception: str
    """Class, as the metrics name it."""
    last_line: str
    """The line of the traceback that tells of the exception."""
    failed_at: float | None
    """Unix time, by the clock of Redis; None where nothing is kept of the failure."""
    failure_id: str
    """Tells this failure of the job from a later one; empty where nothing is kept of it."""


def queues_of(connection: Redis) -> list[str]:
    """Return the names of the queues that RQ knows, sorted."""
    members: Any = connection.smembers(Queue.redis_queues_keys)
    prefix = Queue.redis_queue_namespace_prefix
    keys = (member.decode(errors="surrogateescape") for member in members)
    return sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))


def pipeline(connection: Redis) -> Any:
    """Return a pipeline for reads; redis-py's types know no keys that are bytes."""
    return connection.pipeline(transaction=False)


def registry_key(queue: str) -> bytes:
    """Return the key of the sorted set of a queue's failed jobs."""
    return FailedJobRegistry.key_template.format(queue).encode(errors="surrogateescape")


def count_failed(connection: Redis, queues: Sequence[str]) -> int:
    """Return how many jobs the registries of these queues hold."""
    with pipeline(connection) as reads:
        for queue in queues:
            reads.zcard(registry_key(queue))
        return sum(reads.execute())


def pages_of_queue(connection: Redis, queue: str) -> Iterator[list[FailedJob]]:
    """Read all failed jobs of a queue; the registry may change meanwhile.

    Jobs that are there all the time are read; one that comes or goes meanwhile is read or not.
    """
    cursor = None
    while cursor != 0:
        found: Any = connection.zscan(registry_key(queue), cursor=cursor or 0, count=JOBS_PER_PAGE)
        cursor, members = found
        for ids in _batches([raw_id for raw_id, _ in members]):
            yield read_jobs(connection, queue, ids)


def pages_of_ids(connection: Redis, job_ids: Sequence[str]) -> Iterator[list[FailedJob]]:
    """Read the failed jobs with these ids, a page for each queue and hundred; other ids give none."""
    for ids in _batches(job_ids):
        with pipeline(connection) as reads:
            for job_id in ids:
                reads.hget(f"{Job.redis_job_namespace_prefix}{job_id}", "origin")
            origins = [(raw or b"").decode(errors="surrogateescape") for raw in reads.execute()]
            for job_id, queue in zip(ids, origins, strict=True):
                reads.zscore(registry_key(queue), job_id)
            is_failed = [score is not None for score in reads.execute()]
        by_queue: dict[str, list[bytes]] = {}
        for job_id, queue, failed in zip(ids, origins, is_failed, strict=True):
            if failed:
                by_queue.setdefault(queue, []).append(job_id.encode())
        for queue, raw_ids in by_queue.items():
            yield read_jobs(connection, queue, raw_ids)


def read_jobs(connection: Redis, queue: str, raw_ids: Sequence[bytes]) -> list[FailedJob]:
    """Read these jobs of a queue in one round trip; what has expired, or cannot be read, is `unknown`."""
    with pipeline(connection) as reads:
        for raw_id in raw_ids:
            reads.hmget(job_key(raw_id), FIELDS)
            reads.xrevrange(results_key(raw_id), count=1)
        replies = reads.execute(raise_on_error=False)
    return [
        _failed_job(raw_id, queue, stored, results)
        for raw_id, stored, results in zip(raw_ids, replies[::2], replies[1::2], strict=True)
    ]


def read_traceback(connection: Redis, job_id: str) -> str:
    """Return all that RQ keeps of the last failure of a job."""
    raw_id = job_id.encode(errors="surrogateescape")
    with pipeline(connection) as reads:
        reads.hget(job_key(raw_id), "exc_info")
        reads.xrevrange(results_key(raw_id), count=1)
        stored, results = reads.execute()
    return _text(stored, results[0][1] if results else {})


def job_key(raw_id: bytes) -> bytes:
    """Return the key of a job's hash."""
    return Job.redis_job_namespace_prefix.encode() + raw_id


def results_key(raw_id: bytes) -> bytes:
    """Return the key of the stream in which RQ keeps how a job ended."""
    prefix: str = Result.get_key("")  # type: ignore[no-untyped-call]
    return prefix.encode() + raw_id


def function_in(data: bytes) -> str:
    """Return the function that a job's stored data names, without reading its arguments."""
    try:
        head = zlib.decompressobj().decompress(data, HEAD_OF_DATA)
    except zlib.error:
        head = data[:HEAD_OF_DATA]
    try:
        if head.startswith(PICKLE_PROTOCOL_2_OR_LATER):
            return function_in_pickle(head)
        found = HEAD_OF_JSON.match(head.decode(errors="replace"))
        return str(json.loads(found[1])) if found else UNKNOWN_FUNCTION
    except ValueError:
        return UNKNOWN_FUNCTION


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """A small sorted set gives all that it has, whatever number was asked for."""
    return (items[start : start + JOBS_PER_PAGE] for start in range(0, len(items), JOBS_PER_PAGE))


def _failed_job(raw_id: bytes, queue: str, stored: Any, results: Any) -> FailedJob:
    """Of a key that holds something else than RQ keeps there, the reply is an error."""
    ended_at, data, exc_info = (None, None, None) if isinstance(stored, ResponseError) else stored
    failure_id, result = results[0] if results and not isinstance(results, ResponseError) else (b"", {})
    text = _text(exc_info, result)
    exception, last_line = exception_of(text)
    if not text:
        exhausted = str(Result.Type.MAX_RETRIES_EXCEEDED.value).encode()
        exception = exception_without_traceback(result.get(b"type") == exhausted)
    return FailedJob(
        id=raw_id.decode(errors="surrogateescape"),
        queue=queue,
        function=function_in(data) if data else UNKNOWN_FUNCTION,
        exception=exception,
        last_line=last_line,
        failed_at=int(failure_id.partition(b"-")[0]) / 1000 if failure_id else _timestamp(ended_at),
        failure_id=failure_id.decode(),
    )


def _text(exc_info: bytes | None, result: dict[bytes, bytes]) -> str:
    """RQ keeps the text in the result; before 1.12, it did in the job."""
    try:
        if b"exc_string" in result:
            return zlib.decompress(b64decode(result[b"exc_string"])).decode(errors="replace")
        return zlib.decompress(exc_info).decode(errors="replace") if exc_info else ""
    except (zlib.error, ValueError):
        return ""


def _timestamp(text: bytes | None) -> float | None:
    try:
        return datetime.fromisoformat(text.decode()).timestamp() if text else None
    except ValueError:
        return None

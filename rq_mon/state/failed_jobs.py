"""Reads failed jobs, a page at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.registry import FailedJobRegistry
from rq.results import Result

from rq_mon.state.stored_jobs import StoredJob, pipeline, read_last_text, read_stored_jobs
from rq_mon.state.tracebacks import UNKNOWN_EXCEPTION, exception_of, exception_without_traceback, lines_of
from rq_mon.state.values import job_key, moment_of

logger = logging.getLogger(__name__)

JOBS_PER_PAGE = 100
"""Jobs per page: Redis reads them in less than a millisecond, and this process keeps them in memory."""

HALF_OF_TRACEBACK = 65536
"""Bytes of a traceback that are shown, at most, from its beginning and from its end."""

RETRIES_EXCEEDED = str(Result.Type.MAX_RETRIES_EXCEEDED.value).encode()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job in a queue's registry of failed jobs, as it was when it was read."""

    id: str
    queue: str
    function: str
    exception: str
    """Exception class, as in the metrics."""
    last_line: str
    """The line of the traceback with the exception."""
    failed_at: float | None
    """Unix time by the clock of Redis; None if RQ stores nothing about the failure."""
    failure_id: str
    """Id of this failure, which differs for a later one; empty if RQ stores nothing about it."""


def queues_of(connection: Redis) -> list[str]:
    """Return the names of the queues that RQ knows, sorted."""
    try:
        members: Any = connection.smembers(Queue.redis_queues_keys)
    except ResponseError as error:
        members = ()
        logger.warning("%s: skipped: %s", Queue.redis_queues_keys, error)
    prefix = Queue.redis_queue_namespace_prefix
    keys = (member.decode(errors="surrogateescape") for member in members)
    return sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))


def registry_key(queue: str) -> bytes:
    """Return the key of the sorted set of a queue's failed jobs."""
    return FailedJobRegistry.key_template.format(queue).encode(errors="surrogateescape")


def count_failed(connection: Redis, queues: Sequence[str]) -> int:
    """Return how many jobs the registries of these queues have, including expired ones."""
    with pipeline(connection) as reads:
        for queue in queues:
            reads.zcard(registry_key(queue))
        return sum(count for count in reads.execute(raise_on_error=False) if isinstance(count, int))


def pages_of_queue(connection: Redis, queue: str, now: float) -> Iterator[list[FailedJob]]:
    """Read all failed jobs of a queue that have not expired. The registry may change meanwhile.

    Jobs that stay in the registry are read. A job that comes or goes meanwhile may be read or not.

    Args:
        connection: the Redis of the queue.
        queue: its name.
        now: Unix time to compare expiry times with; they are below 0 for jobs that are kept forever.
    """
    cursor = None
    while cursor != 0:
        try:
            found: Any = connection.zscan(registry_key(queue), cursor=cursor or 0, count=JOBS_PER_PAGE)
        except ResponseError as error:
            logger.warning("%s: skipped: %s", registry_key(queue).decode(errors="replace"), error)
            return
        cursor, members = found
        for ids in _batches([raw_id for raw_id, until in members if not 0 <= until <= now]):
            yield read_failed_jobs(connection, queue, ids)


def pages_of_ids(connection: Redis, job_ids: Sequence[str]) -> Iterator[list[FailedJob]]:
    """Read the failed jobs with these ids, a page per queue and hundred; skip other ids."""
    for ids in _batches([job_id.encode(errors="surrogateescape") for job_id in job_ids]):
        with pipeline(connection) as reads:
            for raw_id in ids:
                reads.hget(job_key(raw_id), "origin")
            replies = reads.execute(raise_on_error=False)
            origins = [_text(raw) for raw in replies]
            for raw_id, queue in zip(ids, origins, strict=True):
                reads.zscore(registry_key(queue), raw_id)
            is_failed = [isinstance(score, float) for score in reads.execute(raise_on_error=False)]
        by_queue: dict[str, list[bytes]] = {}
        for raw_id, queue, failed in zip(ids, origins, is_failed, strict=True):
            if failed:
                by_queue.setdefault(queue, []).append(raw_id)
        for queue, raw_ids in by_queue.items():
            yield read_failed_jobs(connection, queue, raw_ids)


def read_failed_jobs(connection: Redis, queue: str, raw_ids: Sequence[bytes]) -> list[FailedJob]:
    """Read these jobs of a queue; fields of expired or unreadable jobs are `unknown`."""
    stored_jobs = read_stored_jobs(connection, raw_ids)
    return [_failed_job(raw_id, queue, stored) for raw_id, stored in zip(raw_ids, stored_jobs, strict=True)]


def read_traceback(connection: Redis, job_id: str) -> str:
    """Return the text of a job's last failure; of a long text, the beginning and the end."""
    text = read_last_text(connection, job_id.encode(errors="surrogateescape"))
    head, tail, left_out = b"", b"", 0
    for part in text.parts():
        head, more = (head + part)[:HALF_OF_TRACEBACK], (head + part)[HALF_OF_TRACEBACK:]
        left_out += max(0, len(tail) + len(more) - HALF_OF_TRACEBACK)
        tail = (tail + more)[-HALF_OF_TRACEBACK:]
    gap = f"\n[... {left_out:,} bytes ...]\n" if left_out else ""
    end = "" if text.is_whole else "\n[... the rest is not read ...]"
    return f"{head.decode(errors='replace')}{gap}{tail.decode(errors='replace')}{end}"


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split into batches: of a small sorted set, Redis returns all members at once."""
    return (items[start : start + JOBS_PER_PAGE] for start in range(0, len(items), JOBS_PER_PAGE))


def failure_of(stored: StoredJob) -> tuple[str, str]:
    """Return the class of the exception of a job's last failure, and the line with it."""
    exception, last_line, is_certain = exception_of(lines_of(stored.text.parts()))
    if not last_line:
        exception = exception_without_traceback(stored.result_type == RETRIES_EXCEEDED)
    elif not is_certain and not stored.text.is_whole:
        exception = UNKNOWN_EXCEPTION  # a later part of the text may have another exception
    return stored.exception or exception, last_line


def _failed_job(raw_id: bytes, queue: str, stored: StoredJob) -> FailedJob:
    exception, last_line = failure_of(stored)
    failed_at = _milliseconds(stored.failure_id)
    return FailedJob(
        id=raw_id.decode(errors="surrogateescape"),
        queue=queue,
        function=stored.function,
        exception=exception,
        last_line=last_line,
        failed_at=moment_of(stored.fields["ended_at"]) if failed_at is None else failed_at,
        failure_id=stored.failure_id.decode(),
    )


def _text(raw: Any) -> str:
    return raw.decode(errors="surrogateescape") if isinstance(raw, bytes) else ""


def _milliseconds(entry_id: bytes) -> float | None:
    return int(entry_id.partition(b"-")[0]) / 1000 if entry_id else None

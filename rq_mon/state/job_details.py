"""Everything that RQ stores about one job. Nothing is unpickled; of large values the head is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.results import Result

from rq_mon.calls.stored_values import UnreadableError, arguments_of, keys_of, type_of
from rq_mon.state.deferred_jobs import DEPENDENCIES_KEY
from rq_mon.state.failed_jobs import failure_of, read_traceback
from rq_mon.state.stored_jobs import SMALL, pipeline, read_data, read_stored_jobs, results_key
from rq_mon.state.values import job_key, label_text, moment_of, number_of

MOST_RELATED = 100
"""Dependencies that are read, at most, and dependents."""

LARGEST_ARGUMENTS = 1 << 17
"""Largest call that is shown as text, in uncompressed bytes."""

FIELDS = (
    *("result_ttl", "failure_ttl", "ttl", "group_id", "rate_limit_key", "last_heartbeat"),
    *("retries_left", "number_of_retries", "retry_intervals", "repeats_left", "repeat_intervals"),
    *("allow_dependency_failures", "dependency_id"),
    *("success_callback_name", "failure_callback_name", "stopped_callback_name"),
)
CALLBACKS = {what: f"{what}_callback_name" for what in ("success", "failure", "stopped")}

RESULT_NAMES = {str(each.value).encode(): each.name.lower() for each in Result.Type}
"""RQ's types of results: successful, failed, stopped, retried, max_retries_exceeded."""
FAILED_RESULTS = ("failed", "stopped", "max_retries_exceeded")


@dataclass(frozen=True, slots=True)
class RelatedJob:
    """A dependency or dependent of a job."""

    id: str
    status: str
    """Status; empty if the job is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetails:
    """One job at one moment. Times are Unix times and spans seconds; None if RQ stores no value."""

    id: str
    queue: str
    status: str
    """RQ's status; empty if its hash has none."""
    function: str
    """Its name in the metrics."""
    description: str
    """RQ's description of the call, which may contain its arguments."""
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    last_heartbeat: float | None
    worker: str
    timeout: float | None
    """None also for a job without a timeout."""
    ttl: float | None
    result_ttl: float | None
    failure_ttl: float | None
    """-1: kept forever."""
    retries_left: int | None
    retries_asked_for: int | None
    """Retries because it returned a Retry. RQ does not count those after an exception."""
    retry_intervals: tuple[float, ...]
    repeats_left: int | None
    repeat_intervals: tuple[float, ...]
    dependencies: tuple[RelatedJob, ...]
    dependents: tuple[RelatedJob, ...]
    dependent_count: int
    """All of them, also those that are not read."""
    may_dependencies_fail: bool
    group: str
    rate_limit: str
    callbacks: Mapping[str, str]
    """By event: success, failure, stopped."""
    meta_keys: tuple[str, ...] | None
    """None if only the application's code can read `meta`."""
    arguments_bytes: int
    """Size of the call in Redis, usually compressed."""
    arguments: str | None
    """Text of the arguments, or the reason why there is none; None unless requested."""
    outcome: str
    """Its last end: successful, failed, stopped, retried or max_retries_exceeded; empty: none yet."""
    result_type: str
    """Class of its result; empty if no result is stored."""
    result_bytes: int
    result_count: int
    """Number of ends that RQ stores, retries included."""
    exception: str
    """Exception class, as in the metrics; empty unless it failed last."""
    last_line: str
    traceback: str
    """Traceback; of a long one, the beginning and the end."""

    @property
    def wait_seconds(self) -> float | None:
        """Seconds that it waited in its queue."""
        return _span(self.enqueued_at, self.started_at)

    @property
    def run_seconds(self) -> float | None:
        """Seconds that it ran, if it ended."""
        return _span(self.started_at, self.ended_at)


def read_job(connection: Redis, job_id: str, *, with_arguments: bool = False) -> JobDetails | None:
    """Read one job; None if Redis has no job with this id.

    Args:
        connection: the Redis to read.
        job_id: its id.
        with_arguments: whether to read its arguments, too, which may be secret.

    Raises:
        RedisError: Redis cannot be read.
    """
    raw_id = job_id.encode(errors="surrogateescape")
    (stored,) = read_stored_jobs(connection, [raw_id])
    if not stored.is_there:
        return None
    rest = _read_rest(connection, raw_id)
    fields = rest.fields
    outcome = RESULT_NAMES.get(stored.result_type, "")
    has_failed = outcome in FAILED_RESULTS
    exception, last_line = failure_of(stored) if has_failed else ("", "")
    return JobDetails(
        id=job_id,
        queue=label_text(stored.fields["origin"]),
        status=label_text(stored.fields["status"]),
        function=stored.function,
        description=stored.description,
        created_at=moment_of(stored.fields["created_at"]),
        enqueued_at=moment_of(stored.fields["enqueued_at"]),
        started_at=moment_of(stored.fields["started_at"]),
        ended_at=moment_of(stored.fields["ended_at"]),
        last_heartbeat=moment_of(fields["last_heartbeat"]),
        worker=label_text(stored.fields["worker_name"]),
        timeout=_limit(stored.fields["timeout"]),
        ttl=_limit(fields["ttl"]),
        result_ttl=number_of(fields["result_ttl"]),
        failure_ttl=number_of(fields["failure_ttl"]),
        retries_left=_whole(fields["retries_left"]),
        retries_asked_for=_whole(fields["number_of_retries"]),
        retry_intervals=_numbers(fields["retry_intervals"]),
        repeats_left=_whole(fields["repeats_left"]),
        repeat_intervals=_numbers(fields["repeat_intervals"]),
        dependencies=_related(connection, rest.dependencies()),
        dependents=_related(connection, rest.dependents),
        dependent_count=rest.dependent_count,
        may_dependencies_fail=fields["allow_dependency_failures"] == b"1",
        group=label_text(fields["group_id"]),
        rate_limit=label_text(fields["rate_limit_key"]),
        callbacks={what: label_text(fields[name]) for what, name in CALLBACKS.items() if fields[name]},
        meta_keys=_meta_keys(rest.meta),
        arguments_bytes=rest.data_bytes,
        arguments=read_arguments(connection, job_id) if with_arguments else None,
        outcome=outcome,
        result_type=type_of(stored.return_value) if stored.return_value else "",
        result_bytes=stored.return_value_bytes,
        result_count=rest.result_count,
        exception=exception,
        last_line=last_line,
        traceback=read_traceback(connection, job_id) if has_failed else "",
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    """Data that only the page of a single job needs."""

    fields: Mapping[str, bytes]
    data_bytes: int
    meta: bytes | None
    """None if too large."""
    dependency_ids: bytes | None
    dependencies_scanned: Sequence[bytes]
    dependents: Sequence[bytes]
    dependent_count: int
    result_count: int

    def dependencies(self) -> list[bytes]:
        """Return the ids in the job's hash: RQ removes ids from the set when they are met."""
        try:
            kept = [
                str(each).encode(errors="surrogateescape")
                for each in json.loads(self.dependency_ids or b"[]")
            ]
        except (ValueError, TypeError, RecursionError):
            kept = []
        first = self.fields["dependency_id"]
        return kept or [*self.dependencies_scanned] or ([first] if first else [])


def _read_rest(connection: Redis, raw_id: bytes) -> _Rest:
    key = job_key(raw_id)
    with pipeline(connection) as reads:
        reads.hmget(key, FIELDS)
        reads.scard(key + b":dependents")
        reads.sscan(key + b":dependents", count=MOST_RELATED)
        reads.sscan(DEPENDENCIES_KEY % raw_id, count=MOST_RELATED)
        reads.xlen(results_key(raw_id))
        for name in ("data", "meta", "dependency_ids"):
            reads.hstrlen(key, name)
        row, dependents, waiting, awaited, results, *sizes = _known(reads.execute(raise_on_error=False))
    data, *of_large = (size or 0 for size in sizes)
    reader: Any = connection
    meta, dependency_ids = (
        reader.hget(key, name) if size <= SMALL else None
        for name, size in zip(("meta", "dependency_ids"), of_large, strict=True)
    )
    return _Rest(
        fields={name: value or b"" for name, value in zip(FIELDS, row or [b""] * len(FIELDS), strict=True)},
        data_bytes=data,
        meta=(meta or b"") if of_large[0] <= SMALL else None,
        dependency_ids=dependency_ids,
        dependencies_scanned=_members(awaited),
        dependents=_members(waiting),
        dependent_count=dependents or 0,
        result_count=results or 0,
    )


def _known(replies: Iterable[Any]) -> list[Any]:
    """Replace errors with None: the key has a wrong type, or a right is missing."""
    return [None if isinstance(reply, ResponseError) else reply for reply in replies]


def _members(scan: Any) -> list[bytes]:
    return sorted(scan[1])[:MOST_RELATED] if scan else []


def _related(connection: Redis, raw_ids: Sequence[bytes]) -> tuple[RelatedJob, ...]:
    with pipeline(connection) as reads:
        for raw_id in raw_ids[:MOST_RELATED]:
            reads.hget(job_key(raw_id), "status")
        statuses = _known(reads.execute(raise_on_error=False))
    return tuple(
        RelatedJob(raw_id.decode(errors="surrogateescape"), label_text(status or b""))
        for raw_id, status in zip(raw_ids, statuses, strict=False)
    )


def read_arguments(connection: Redis, job_id: str) -> str:
    """Return the arguments of a job as text, or why there is none. Runs none of the application's code."""
    raw_id = job_id.encode(errors="surrogateescape")
    data = read_data(connection, raw_id, LARGEST_ARGUMENTS)
    if data is None:
        return f"not shown: more than {LARGEST_ARGUMENTS:,} bytes"
    try:
        return arguments_of(data)
    except UnreadableError as error:
        return f"cannot be shown: {error}"


def _meta_keys(meta: bytes | None) -> tuple[str, ...] | None:
    try:
        return None if meta is None else keys_of(meta) if meta else ()
    except UnreadableError:
        return None


def _numbers(raw: bytes) -> tuple[float, ...]:
    try:
        found = json.loads(raw or b"[]")
        return tuple(float(each) for each in (found if isinstance(found, list) else [found]))
    except (ValueError, TypeError, RecursionError):
        return ()


def _whole(raw: bytes) -> int | None:
    number = number_of(raw)
    return None if number is None else int(number)


def _limit(raw: bytes) -> float | None:
    """Return None for RQ's -1, which means no limit."""
    seconds = number_of(raw)
    return seconds if seconds is not None and seconds > 0 else None


def _span(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)

"""What became of jobs, from the hashes that monitored workers write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scheduler.catalogue import MONITORED_QUEUES_KEY, WRITE_ERRORS_KEY
from scheduler.exporter.errors import Errors
from scheduler.exporter.reading.pipeline import Reading
from scheduler.exporter.reading.values import Fields, label_text
from scheduler.job_series import (
    Histogram,
    JobSeries,
    SeriesError,
    decode_jobs,
    decode_waits,
    functions_key,
    jobs_key,
    waits_key,
)

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobFacts:
    """Counts since the beginning."""

    waits: dict[str, Histogram]
    """By queue."""
    functions: dict[tuple[str, str], JobSeries]
    """By queue and function."""
    write_errors: dict[str, float | None]
    """Jobs that could not be counted, by Redis error code."""


def read_jobs(errors: Errors) -> Reading[JobFacts]:
    """Read every function's hash: many small ones, so that each command is short."""
    fields = Fields("jobs", errors)
    members, write_errors = yield [("SMEMBERS", MONITORED_QUEUES_KEY), ("HGETALL", WRITE_ERRORS_KEY)]
    queues = _names(members or (), MONITORED_QUEUES_KEY, fields)

    replies = yield [
        *(("SMEMBERS", functions_key(queue)) for queue in queues),
        *(("HGETALL", waits_key(queue)) for queue in queues),
    ]
    functions = [
        (queue, function)
        for queue, members in zip(queues, replies, strict=False)
        for function in _names(members or (), functions_key(queue), fields)
    ]
    waits = zip(queues, replies[len(queues) :], strict=True)
    hashes = yield [("HGETALL", jobs_key(*function)) for function in functions]
    return JobFacts(
        waits=_decoded(decode_waits, {queue: (waits_key(queue), reply) for queue, reply in waits}, fields),
        functions=_decoded(
            decode_jobs,
            {
                function: (jobs_key(*function), reply)
                for function, reply in zip(functions, hashes, strict=True)
            },
            fields,
        ),
        write_errors={
            label_text(code): fields.number(count, f"{code!r} in {WRITE_ERRORS_KEY}")
            for code, count in (write_errors or {}).items()
        },
    )


def _names(members: Sequence[bytes], where: str, fields: Fields) -> list[str]:
    names = []
    for member in sorted(members):
        try:
            names.append(member.decode())
        except UnicodeDecodeError:
            fields.skip(f"{member[:100]!r} in {where} is not UTF-8")
    return names


def _decoded(
    decode: Callable[[Mapping[bytes, bytes]], T],
    replies: Mapping[K, tuple[str, Mapping[bytes, bytes] | None]],
    fields: Fields,
) -> dict[K, T]:
    """Return what the hashes hold, without those that hold something else."""
    found = {}
    for owner, (key, reply) in replies.items():
        try:
            found[owner] = decode(reply or {})
        except SeriesError as error:
            fields.skip(f"{key}: {error}")
    return found

"""What RQ keeps of jobs, read without its weight: arguments, results and messages may be megabytes each.

What is small is read by the page, in few round trips. Of anything larger Redis cuts off the head, job by job.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.job import Job
from rq.results import Result

from rq_mon.calls.job_function import HEAD_OF_DATA, function_told
from rq_mon.catalogue import JOB_EXCEPTION_FIELD, JOB_FUNCTION_FIELD

SMALL = 65536
"""Bytes up to which a value is read whole, and after which larger ones are cut off: a multiple of 4."""
LARGE = SMALL + 1
BYTES_AT_ONCE = 1 << 20
"""Of values that are read in one round trip."""

LONGEST_TEXT = 1 << 20
"""Bytes of a traceback that are looked at."""
PART_OF_TEXT = 65536

FIELDS = ("ended_at", "started_at", JOB_FUNCTION_FIELD, JOB_EXCEPTION_FIELD)

_HEAD_OF_FIELD = "return string.sub(redis.call('HGET', KEYS[1], ARGV[1]) or '', 1, ARGV[2])"

_HEAD_OF_RESULT = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then return {} end
local fields = {}
for i = 1, #last[2], 2 do
    fields[i], fields[i + 1] = last[2][i], string.sub(last[2][i + 1], 1, ARGV[1])
end
return {{last[1], fields}}
"""


class FailureText:
    """The text that RQ keeps of a failure, compressed; read part by part, and no more than LONGEST_TEXT."""

    def __init__(self, compressed: bytes, *, is_whole: bool) -> None:
        self._compressed = compressed
        self.is_whole = is_whole
        """Whether that was all of it; known when the parts are read."""

    def parts(self) -> Iterator[bytes]:
        """Decompress; what cannot be decompressed ends the text."""
        decompressor, rest, given = zlib.decompressobj(), self._compressed, 0
        while rest and given < LONGEST_TEXT:
            try:
                part = decompressor.decompress(rest, PART_OF_TEXT)
            except zlib.error:
                return
            rest, given = decompressor.unconsumed_tail, given + len(part)
            yield part
        self.is_whole &= not rest


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job's hash and the last entry of its results; what is missing or of a foreign type is empty."""

    ended_at: bytes
    function: str
    exception: str
    """Class of this failure as a monitored worker counted it; empty if none did."""
    failure_id: bytes
    """Of the last result."""
    result_type: bytes
    text: FailureText


def pipeline(connection: Redis) -> Any:
    """Return a pipeline for reads; redis-py's types know no keys that are bytes."""
    return connection.pipeline(transaction=False)


def job_key(raw_id: bytes) -> bytes:
    """Return the key of a job's hash."""
    return Job.redis_job_namespace_prefix.encode() + raw_id


def results_key(raw_id: bytes) -> bytes:
    """Return the key of the stream in which RQ keeps how a job ended."""
    prefix: str = Result.get_key("")  # type: ignore[no-untyped-call]
    return prefix.encode() + raw_id


def read_functions(connection: Redis, raw_ids: Sequence[bytes]) -> list[str]:
    """Return what these jobs count as; `unknown` for one that is not there, or not readable."""
    return _functions(connection, raw_ids, _small_fields(connection, raw_ids))


def read_stored_jobs(connection: Redis, raw_ids: Sequence[bytes]) -> list[StoredJob]:
    """Read these jobs."""
    small = _small_fields(connection, raw_ids)
    functions = _functions(connection, raw_ids, small)
    results = _last_results(connection, raw_ids)
    return [
        _stored_job(fields, function, *result)
        for fields, function, result in zip(small, functions, results, strict=True)
    ]


def read_last_text(connection: Redis, raw_id: bytes) -> FailureText:
    """Return the text of the last failure of a job."""
    ((_, result),) = _last_results(connection, [raw_id])
    return _text_of(result)


def _small_fields(connection: Redis, raw_ids: Sequence[bytes]) -> list[dict[str, bytes]]:
    with pipeline(connection) as reads:
        for raw_id in raw_ids:
            reads.hmget(job_key(raw_id), FIELDS)
        replies = reads.execute(raise_on_error=False)
    return [
        {name: value or b"" for name, value in zip(FIELDS, reply, strict=True)}
        if isinstance(reply, list)
        else dict.fromkeys(FIELDS, b"")
        for reply in replies
    ]


def _functions(
    connection: Redis, raw_ids: Sequence[bytes], small: Sequence[Mapping[str, bytes]]
) -> list[str]:
    noted = [fields[JOB_FUNCTION_FIELD].decode(errors="replace") for fields in small]
    untold = [raw_id for raw_id, name in zip(raw_ids, noted, strict=True) if not name]
    data = _heads_of_field(connection, untold, "data")
    descriptions = _heads_of_field(connection, untold, "description")
    told = iter(
        function_told(_head_of_data(each), description.decode(errors="replace"))
        for each, description in zip(data, descriptions, strict=True)
    )
    return [name or next(told) for name in noted]


def _head_of_data(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, HEAD_OF_DATA)
    except zlib.error:
        return data[:HEAD_OF_DATA]


def _heads_of_field(connection: Redis, raw_ids: Sequence[bytes], field: str) -> list[bytes]:
    keys = [job_key(raw_id) for raw_id in raw_ids]
    with pipeline(connection) as reads:
        for key in keys:
            reads.hstrlen(key, field)
        sizes = reads.execute(raise_on_error=False)
    found = _bounded(
        connection,
        sizes,
        lambda reads, index: reads.hget(keys[index], field),
        lambda reads, index: reads.eval(_HEAD_OF_FIELD, 1, keys[index], field, SMALL),
    )
    return [value or b"" for value in found]


def _last_results(connection: Redis, raw_ids: Sequence[bytes]) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return id and fields of the last entry of each."""
    keys = [results_key(raw_id) for raw_id in raw_ids]
    with pipeline(connection) as reads:
        for key in keys:
            reads.memory_usage(key)
        sizes = reads.execute(raise_on_error=False)
    found = _bounded(
        connection,
        [size if isinstance(size, int | None) else LARGE for size in sizes],
        lambda reads, index: reads.xrevrange(keys[index], count=1),
        lambda reads, index: reads.eval(_HEAD_OF_RESULT, 1, keys[index], SMALL),
    )
    return [_entry(reply) for reply in found]


def _entry(reply: Any) -> tuple[bytes, dict[bytes, bytes]]:
    if not reply:
        return b"", {}
    entry_id, fields = reply[0]
    return entry_id, fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))


def _bounded(
    connection: Redis,
    sizes: Sequence[Any],
    read_whole: Callable[[Any, int], object],
    read_head: Callable[[Any, int], object],
) -> list[Any]:
    """Read values whose sizes are known: small ones together, the head of each large one by itself.

    What is missing, or cannot be read, is None.
    """
    found: list[Any] = [None] * len(sizes)
    batch: list[int] = []
    weight = 0
    for index, size in enumerate(sizes):
        if not isinstance(size, int) or not size:
            continue
        if size > SMALL:
            _fill(found, connection, read_head, [index])
            continue
        if weight + size > BYTES_AT_ONCE:
            _fill(found, connection, read_whole, batch)
            batch, weight = [], 0
        batch.append(index)
        weight += size
    _fill(found, connection, read_whole, batch)
    return found


def _fill(
    found: list[Any], connection: Redis, read: Callable[[Any, int], object], indexes: Sequence[int]
) -> None:
    """Read in one round trip; what Redis refuses, for its type or for want of a right, stays None."""
    with pipeline(connection) as reads:
        for index in indexes:
            read(reads, index)
        for index, reply in zip(indexes, reads.execute(raise_on_error=False), strict=True):
            found[index] = None if isinstance(reply, ResponseError) else reply


def _stored_job(
    fields: Mapping[str, bytes], function: str, failure_id: bytes, result: Mapping[bytes, bytes]
) -> StoredJob:
    started_at, _, exception = fields[JOB_EXCEPTION_FIELD].partition(b" ")
    return StoredJob(
        ended_at=fields["ended_at"],
        function=function,
        exception=exception.decode(errors="replace") if started_at == fields["started_at"] else "",
        failure_id=failure_id,
        result_type=result.get(b"type", b""),
        text=_text_of(result),
    )


def _text_of(result: Mapping[bytes, bytes]) -> FailureText:
    encoded = result.get(b"exc_string", b"")
    try:
        return FailureText(b64decode(encoded[: len(encoded) // 4 * 4]), is_whole=len(encoded) < SMALL)
    except ValueError:
        return FailureText(b"", is_whole=True)

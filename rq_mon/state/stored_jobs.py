"""Reads stored jobs without their large values: arguments, results and messages may be megabytes each.

Small values are read by the page, in few round trips. For larger values Redis cuts off the head, job by job.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import ResponseError
from rq.results import Result

from rq_mon.calls.job_function import HEAD_OF_DATA, read_function
from rq_mon.catalogue import JOB_EXCEPTION_FIELD, JOB_FUNCTION_FIELD
from rq_mon.state.values import job_key

SMALL = 65536
"""Bytes: larger values are cut off here. A multiple of 4."""
BYTES_AT_ONCE = 1 << 20
"""Bytes of values that are read in one round trip."""

LONGEST_DESCRIPTION = 2000
"""Bytes of a job's description that are kept."""

LONGEST_TEXT = 1 << 20
"""Bytes of a traceback that are read."""
PART_OF_TEXT = 65536

FIELDS = (
    *("created_at", "enqueued_at", "started_at", "ended_at"),
    *("status", "origin", "worker_name", "timeout"),
    *(JOB_FUNCTION_FIELD, JOB_EXCEPTION_FIELD),
)

_HEAD_OF_FIELD = "return string.sub(redis.call('HGET', KEYS[1], ARGV[1]) or '', 1, ARGV[2])"

_HEAD_OF_RESULT = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then return {} end
local fields = {}
local length = 0
for i = 1, #last[2], 2 do
    fields[i], fields[i + 1] = last[2][i], string.sub(last[2][i + 1], 1, ARGV[1])
    if last[2][i] == 'return_value' then length = #last[2][i + 1] end
end
fields[#fields + 1], fields[#fields + 2] = ARGV[2], length
return {{last[1], fields}}
"""
_LENGTH_OF_RETURN_VALUE = b"length of return_value"
"""Field that the script adds to RQ's fields."""


class FailureText:
    """The compressed text of a failure; read part by part, up to LONGEST_TEXT."""

    def __init__(self, compressed: bytes, *, is_whole: bool) -> None:
        self._compressed = compressed
        self.is_whole = is_whole
        """Whether the text was complete; known after the parts are read."""

    def parts(self) -> Iterator[bytes]:
        """Decompress; the text ends at the first error."""
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
    """A job's hash and the last entry of its results; missing values and wrong types are empty."""

    fields: Mapping[str, bytes]
    """The values of FIELDS."""
    is_there: bool
    function: str
    description: str
    """The head of RQ's description, which may contain arguments."""
    exception: str
    """Exception class of this failure, as a monitored worker counted it; empty if none did."""
    failure_id: bytes
    """Fields of the last result."""
    result_type: bytes
    return_value: bytes
    """The head of the job's return value, as its serializer wrote it."""
    return_value_bytes: int
    """Size of the whole return value, in bytes."""
    text: FailureText


def pipeline(connection: Redis) -> Any:
    """Return a pipeline for reads. redis-py's types lack keys that are bytes."""
    return connection.pipeline(transaction=False)


def results_key(raw_id: bytes) -> bytes:
    """Return the key of RQ's stream of a job's results."""
    prefix: str = Result.get_key("")  # type: ignore[no-untyped-call]
    return prefix.encode() + raw_id


def read_functions(connection: Redis, raw_ids: Sequence[bytes]) -> list[str]:
    """Return the names of these jobs in the metrics; `unknown` for a missing or unreadable job."""
    hashes = _read_hashes(connection, raw_ids, with_result=False)
    found = _read(connection, [value for each in hashes for value in each.of_function()])
    return [
        each.read_function(data, description)
        for each, data, description in zip(hashes, found[::2], found[1::2], strict=True)
    ]


def read_stored_jobs(
    connection: Redis, raw_ids: Sequence[bytes], *, with_result: bool = True
) -> list[StoredJob]:
    """Read these jobs, with their last results unless not requested."""
    hashes = _read_hashes(connection, raw_ids, with_result=with_result)
    found = _read(connection, [value for each in hashes for value in (*each.of_function(), each.of_result())])
    return [
        _stored_job(each, data, description, *_entry(result))
        for each, data, description, result in zip(hashes, found[::3], found[1::3], found[2::3], strict=True)
    ]


def stored_job_of(row: Any, data: bytes, description: bytes, entry: Any) -> StoredJob:
    """Build a job from Redis' replies: FIELDS, heads of data and description, and the last result."""
    hash_ = _hash(b"", row, len(data), len(description))
    return _stored_job(hash_, data, description, *_entry(entry))


def read_last_text(connection: Redis, raw_id: bytes) -> FailureText:
    """Return the text of the last failure of a job."""
    hashes = _read_hashes(connection, [raw_id], with_result=True)
    (result,) = _read(connection, [each.of_result() for each in hashes])
    return _text_of(_entry(result)[1])


def read_data(connection: Redis, raw_id: bytes, at_most: int) -> bytes | None:
    """Return function and arguments of a job, uncompressed; None if larger than `at_most` bytes."""
    reads: Any = connection
    try:
        if reads.hstrlen(job_key(raw_id), "data") > at_most:
            return None
        data = reads.hget(job_key(raw_id), "data") or b""
    except ResponseError:  # a key of a wrong type
        data = b""
    with suppress(zlib.error):  # RQ treats it as uncompressed, too
        data = zlib.decompressobj().decompress(data, at_most + 1)
    return data if len(data) <= at_most else None


class _Value(NamedTuple):
    """A value whose size is known before it is read."""

    size: int
    read_whole: Callable[[Any], object]
    """A function that gets a pipeline."""
    read_head: Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class _Hash:
    """The small fields of a job, and the sizes of those that may be large."""

    raw_id: bytes
    fields: Mapping[str, bytes]
    data: int
    description: int
    result: int

    def of_function(self) -> tuple[_Value, _Value]:
        """Return the values from which the function is found."""
        if self.fields[JOB_FUNCTION_FIELD]:
            return self._field("data", 0), self._field("description", self.description)
        return self._field("data", self.data), self._field("description", self.description)

    def of_result(self) -> _Value:
        key = results_key(self.raw_id)
        return _Value(
            self.result,
            lambda reads: reads.xrevrange(key, count=1),
            lambda reads: reads.eval(_HEAD_OF_RESULT, 1, key, SMALL, _LENGTH_OF_RETURN_VALUE),
        )

    def read_function(self, data: bytes | None, description: bytes | None) -> str:
        noted = self.fields[JOB_FUNCTION_FIELD].decode(errors="replace")
        return noted or read_function(
            _head_of_data(data or b""), (description or b"").decode(errors="replace")
        )

    def _field(self, name: str, size: int) -> _Value:
        key = job_key(self.raw_id)
        return _Value(
            size,
            lambda reads: reads.hget(key, name),
            lambda reads: reads.eval(_HEAD_OF_FIELD, 1, key, name, SMALL),
        )


def _read_hashes(connection: Redis, raw_ids: Sequence[bytes], *, with_result: bool) -> list[_Hash]:
    with pipeline(connection) as reads:
        for raw_id in raw_ids:
            key = job_key(raw_id)
            reads.hmget(key, FIELDS)
            reads.hstrlen(key, "data")
            reads.hstrlen(key, "description")
            if with_result:
                reads.memory_usage(results_key(raw_id))
        replies = reads.execute(raise_on_error=False)
    step = 4 if with_result else 3
    return [
        _hash(raw_id, *replies[index * step : (index + 1) * step]) for index, raw_id in enumerate(raw_ids)
    ]


def _hash(raw_id: bytes, fields: Any, data: Any, description: Any, result: Any = None) -> _Hash:
    """Replace an error about a key's type with an empty value."""
    if isinstance(fields, ResponseError):
        fields, data, description = [None] * len(FIELDS), 0, 0
    data, description = (size if isinstance(size, int) else 0 for size in (data, description))
    if isinstance(result, ResponseError):  # no right to read the size
        result = SMALL + 1
    small = {name: value or b"" for name, value in zip(FIELDS, fields, strict=True)}
    return _Hash(raw_id, small, data, description, result or 0)


def _read(connection: Redis, values: Sequence[_Value]) -> list[Any]:
    """Read small values together, and the head of each large value separately.

    A value is None if it is missing, has a wrong type, or a right is missing.
    """
    found: list[Any] = [None] * len(values)
    small = [index for index, value in enumerate(values) if 0 < value.size <= SMALL]
    for indexes in _batches(small, values):
        _fill(found, connection, {index: values[index].read_whole for index in indexes})
    for index, value in enumerate(values):
        if value.size > SMALL:
            _fill(found, connection, {index: value.read_head})
    return found


def _batches(indexes: Sequence[int], values: Sequence[_Value]) -> Iterator[list[int]]:
    batch: list[int] = []
    weight = 0
    for index in indexes:
        if weight + values[index].size > BYTES_AT_ONCE:
            yield batch
            batch, weight = [], 0
        batch.append(index)
        weight += values[index].size
    if batch:
        yield batch


def _fill(found: list[Any], connection: Redis, reads: Mapping[int, Callable[[Any], object]]) -> None:
    with pipeline(connection) as batch:
        for read in reads.values():
            read(batch)
        for index, reply in zip(reads, batch.execute(raise_on_error=False), strict=True):
            found[index] = None if isinstance(reply, ResponseError) else reply


def _entry(reply: Any) -> tuple[bytes, dict[bytes, bytes]]:
    """Return id and fields of the only entry in a stream's reply."""
    if not reply:
        return b"", {}
    entry_id, fields = reply[0]
    return entry_id, fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))


def _head_of_data(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, HEAD_OF_DATA)
    except zlib.error:
        return data[:HEAD_OF_DATA]


def _stored_job(
    hash_: _Hash,
    data: bytes | None,
    description: bytes | None,
    failure_id: bytes,
    result: Mapping[bytes, bytes],
) -> StoredJob:
    fields = hash_.fields
    started_at, _, exception = fields[JOB_EXCEPTION_FIELD].partition(b" ")
    return StoredJob(
        fields=fields,
        is_there=bool(hash_.data or fields["status"]),
        function=hash_.read_function(data, description),
        description=(description or b"")[:LONGEST_DESCRIPTION].decode(errors="replace"),
        exception=exception.decode(errors="replace") if started_at == fields["started_at"] else "",
        failure_id=failure_id,
        result_type=result.get(b"type", b""),
        return_value=_decoded(result.get(b"return_value", b"")),
        return_value_bytes=_length_of_return_value(result),
        text=_text_of(result),
    )


def _text_of(result: Mapping[bytes, bytes]) -> FailureText:
    encoded = result.get(b"exc_string", b"")
    return FailureText(_decoded(encoded), is_whole=len(encoded) < SMALL)


def _length_of_return_value(result: Mapping[bytes, bytes]) -> int:
    encoded = result.get(b"return_value", b"")
    length = int(result.get(_LENGTH_OF_RETURN_VALUE, len(encoded)))
    return length // 4 * 3 - (encoded[-2:].count(b"=") if length == len(encoded) else 0)


def _decoded(encoded: bytes) -> bytes:
    try:
        return b64decode(encoded[: len(encoded) // 4 * 4])
    except ValueError:
        return b""

"""Job metrics, from the hashes that monitored workers write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from rq_mon.catalogue import MONITORED_QUEUES_KEY, OPERATOR_CHANGES_KEY, WRITE_ERRORS_KEY
from rq_mon.series import (
    Histogram,
    SeriesError,
    decode_expired,
    decode_waits,
    functions_key,
    jobs_key,
    waits_key,
)
from rq_mon.state.errors import Errors, Problems
from rq_mon.state.memory import Memory, grouped
from rq_mon.state.pipeline import Reading, side_by_side
from rq_mon.state.queues import QUEUES_PER_GROUP
from rq_mon.state.round_trip import Answer, Bundle, Command
from rq_mon.state.values import Fields, hash_of

T = TypeVar("T")
Hash = dict[bytes, bytes]
QueueFunction = tuple[str, str]

GROUP = 8
"""Functions per group that is compared and written together, about. Smaller groups cost more while nothing
changes, larger ones when something does.
"""


class FunctionGroup(NamedTuple):
    """Some functions of a queue, and their hashes."""

    functions: tuple[QueueFunction, ...]
    answer: Answer

    def hashes(self) -> Iterator[tuple[QueueFunction, Hash]]:
        """The hashes that exist and have the right type."""
        for function, (_, reply) in zip(self.functions, self.answer.replies(), strict=True):
            if reply and not isinstance(reply, Exception):
                yield function, hash_of(reply)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """Counts of workers. Hashes of functions are raw: decoding many takes longer than reading them."""

    waits: dict[str, Histogram]
    """Waits by queue."""
    expired: dict[str, int]
    """Jobs that waited until their ttl ended, by queue."""
    functions: Sequence[FunctionGroup]
    write_errors: Hash
    operator_changes: Hash


class _Queue(NamedTuple):
    """The functions of a queue."""

    members: Sequence[bytes] | None
    """Raw replies; None if some are unreadable, which is counted at each scrape."""
    groups: Sequence[tuple[QueueFunction, ...]]


class JobMetrics:
    """Reads the hashes of all functions, and recognises groups that did not change since the last read.

    It compares the bytes that Redis sends. So it is right even if other programs write, or data is restored.
    """

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._bundles: dict[tuple[QueueFunction, ...], Bundle] = {}

    def read(self, errors: Errors, memory: Memory) -> Reading[JobFacts]:
        """Read many small hashes, so that each command is short."""
        fields = Fields("jobs", errors)
        members, write_errors, changes = yield [
            ("SMEMBERS", MONITORED_QUEUES_KEY),
            ("HGETALL", WRITE_ERRORS_KEY),
            ("HGETALL", OPERATOR_CHANGES_KEY),
        ]
        queues = _names(members or (), MONITORED_QUEUES_KEY, fields)

        groups_of_queues = grouped(queues, QUEUES_PER_GROUP, str.encode)
        members_of, *waits = yield from side_by_side(
            _ask([("SMEMBERS", functions_key(queue)) for queue in queues]),
            *(
                memory.read(("waits", group), partial(_read_waits, group), errors)
                for group in groups_of_queues
            ),
        )
        self._queues = {
            queue: self._queue(queue, members or (), fields)
            for queue, members in zip(queues, members_of, strict=True)
        }
        groups = [*chain.from_iterable(queue.groups for queue in self._queues.values())]
        self._bundles = {
            functions: self._bundles.get(functions) or _bundle(functions) for functions in groups
        }
        answers = yield [*self._bundles.values()]
        return JobFacts(
            waits={queue: histogram for found, _ in waits for queue, histogram in found.items()},
            expired={queue: number for _, found in waits for queue, number in found.items()},
            functions=[*map(FunctionGroup, groups, answers)],
            write_errors=hash_of(write_errors),
            operator_changes=hash_of(changes),
        )

    def _queue(self, queue: str, members: Sequence[bytes], fields: Fields) -> _Queue:
        known = self._queues.get(queue)
        if known and known.members == members:
            return known
        names = _names(members, functions_key(queue), fields)
        functions = [(queue, name) for name in names]
        groups = grouped(functions, GROUP, lambda function: function[1].encode())
        return _Queue(members if len(names) == len(members) else None, groups)


def _bundle(functions: Iterable[QueueFunction]) -> Bundle:
    return Bundle(("HGETALL", jobs_key(*function)) for function in functions)


def _ask(commands: Sequence[Command]) -> Reading[Sequence[Any]]:
    return (yield commands)


def _read_waits(
    queues: Sequence[str], problems: Problems
) -> Reading[tuple[dict[str, Histogram], dict[str, int]]]:
    replies = yield [("HGETALL", waits_key(queue)) for queue in queues]
    hashes = {queue: hash_of(reply) for queue, reply in zip(queues, replies, strict=True) if reply}
    return _decoded(decode_waits, hashes, problems), _decoded(decode_expired, hashes, problems)


def _decoded(decode: Callable[[Hash], T], hashes: Mapping[str, Hash], problems: Problems) -> dict[str, T]:
    found = {}
    for owner, fields in hashes.items():
        try:
            found[owner] = decode(fields)
        except SeriesError as error:
            problems.count("jobs", f"hash of {owner!r}: {error}")
    return found


def _names(members: Iterable[bytes], where: str, fields: Fields) -> list[str]:
    names = []
    for member in sorted(members):
        try:
            names.append(member.decode())
        except UnicodeDecodeError:
            fields.skip(f"{member[:100]!r} in {where} is not UTF-8")
    return names

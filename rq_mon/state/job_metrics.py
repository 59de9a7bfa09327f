"""Job metrics, from the hashes that monitored workers write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

from rq_mon.catalogue import MONITORED_QUEUES_KEY, OPERATOR_CHANGES_KEY, WRITE_ERRORS_KEY
from rq_mon.series import functions_key, jobs_key, waits_key
from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import Reading
from rq_mon.state.round_trip import Answer, Bundle
from rq_mon.state.values import Fields, hash_of

K = TypeVar("K")
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
    """The raw hashes: decoding many takes longer than reading them."""

    waits: dict[str, Hash]
    """Hashes of waits, by queue."""
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

    def read(self, errors: Errors) -> Reading[JobFacts]:
        """Read many small hashes, so that each command is short."""
        fields = Fields("jobs", errors)
        members, write_errors, changes = yield [
            ("SMEMBERS", MONITORED_QUEUES_KEY),
            ("HGETALL", WRITE_ERRORS_KEY),
            ("HGETALL", OPERATOR_CHANGES_KEY),
        ]
        queues = _names(members or (), MONITORED_QUEUES_KEY, fields)

        replies = yield [
            *(("SMEMBERS", functions_key(queue)) for queue in queues),
            *(("HGETALL", waits_key(queue)) for queue in queues),
        ]
        self._queues = {
            queue: self._queue(queue, members or (), fields)
            for queue, members in zip(queues, replies, strict=False)
        }
        groups = [*chain.from_iterable(queue.groups for queue in self._queues.values())]
        self._bundles = {
            functions: self._bundles.get(functions) or _bundle(functions) for functions in groups
        }
        answers = yield [*self._bundles.values()]
        return JobFacts(
            waits=_present(queues, replies[len(queues) :]),
            functions=[*map(FunctionGroup, groups, answers)],
            write_errors=hash_of(write_errors),
            operator_changes=hash_of(changes),
        )

    def _queue(self, queue: str, members: Sequence[bytes], fields: Fields) -> _Queue:
        known = self._queues.get(queue)
        if known and known.members == members:
            return known
        names = _names(members, functions_key(queue), fields)
        return _Queue(members if len(names) == len(members) else None, tuple(_grouped(queue, names)))


def _grouped(queue: str, names: Sequence[str]) -> Iterator[tuple[QueueFunction, ...]]:
    """Assign functions to groups by their names, so that a new function changes only one group."""
    groups: dict[int, list[QueueFunction]] = defaultdict(list)
    spread = 1 << (len(names) // GROUP).bit_length()
    for name in names:
        groups[crc32(name.encode()) % spread].append((queue, name))
    return map(tuple, groups.values())


def _bundle(functions: Iterable[QueueFunction]) -> Bundle:
    return Bundle(("HGETALL", jobs_key(*function)) for function in functions)


def _present(owners: Iterable[K], replies: Iterable[Any]) -> dict[K, Hash]:
    return {owner: hash_of(reply) for owner, reply in zip(owners, replies, strict=True) if reply}


def _names(members: Iterable[bytes], where: str, fields: Fields) -> list[str]:
    names = []
    for member in sorted(members):
        try:
            names.append(member.decode())
        except UnicodeDecodeError:
            fields.skip(f"{member[:100]!r} in {where} is not UTF-8")
    return names

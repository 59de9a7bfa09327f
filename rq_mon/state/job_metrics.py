"""What became of jobs, from the hashes that monitored workers write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from rq_mon.catalogue import MONITORED_QUEUES_KEY, OPERATOR_CHANGES_KEY, WRITE_ERRORS_KEY
from rq_mon.series import functions_key, jobs_key, waits_key
from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import Reading
from rq_mon.state.values import Fields, hash_of

K = TypeVar("K")
Hash = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """The hashes as they stand in Redis: decoding many takes longer than reading them."""

    waits: dict[str, Hash]
    """By queue."""
    functions: dict[tuple[str, str], Hash]
    """By queue and function."""
    write_errors: Hash
    operator_changes: Hash


def read_job_metrics(errors: Errors) -> Reading[JobFacts]:
    """Read every function's hash: many small ones, so that each command is short."""
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
    functions = [
        (queue, function)
        for queue, members in zip(queues, replies, strict=False)
        for function in _names(members or (), functions_key(queue), fields)
    ]
    hashes = yield [("HGETALL", jobs_key(*function)) for function in functions]
    return JobFacts(
        waits=_present(queues, replies[len(queues) :]),
        functions=_present(functions, hashes),
        write_errors=hash_of(write_errors),
        operator_changes=hash_of(changes),
    )


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

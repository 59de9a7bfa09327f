"""Ends of executions from Redis' append-only file, to which the counters are compared.

Redis appends each write to this file, and each transaction as one block. The replay of RQ's registries and
queues shows which transaction ended which execution, and how, even if the data have expired or were
overwritten since. It ignores the keys of this project.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

Command = list[bytes]


class End(NamedTuple):
    """How RQ recorded the end of one execution."""

    queue: str
    function: str
    outcome: str


def transactions(file: BinaryIO) -> Iterator[list[Command]]:
    """Yield the transactions in an append-only file; a single command counts as one."""
    for _, transaction in timed_transactions(file):
        yield transaction


def timed_transactions(file: BinaryIO) -> Iterator[tuple[float, list[Command]]]:
    """Yield the transactions with their Unix times in whole seconds; 0 if the file has none."""
    block: list[Command] | None = None
    for moment, command in _commands(file):
        name = command[0].upper()
        if name == b"MULTI":
            block = []
        elif name == b"EXEC":
            yield moment, block or []
            block = None
        elif block is None:
            yield moment, [command]
        else:
            block.append(command)


def _commands(file: BinaryIO) -> Iterator[tuple[float, Command]]:
    moment = 0.0
    while header := file.readline():
        if header.startswith(b"#"):
            moment = float(header.removeprefix(b"#TS:"))
            continue
        command = []
        for _ in range(int(header[1:])):
            length = int(file.readline()[1:])
            command.append(file.read(length))
            file.read(2)
        yield moment, command


class Replay:
    """RQ's registries of started jobs and its queues, as far as needed to find ends."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        self.ends: Counter[End] = Counter()
        self.recorded_again = 0
        """Ends that were recorded more than once, by RQ itself."""
        self.taken_back: Counter[str] = Counter()
        """By job: starts that a worker undid because another worker had the job by then. They end no
        execution."""
        self.ended: set[str] = set()
        """The executions that have ended, as `<job id>:<execution id>`."""
        self.ended_now: list[str] = []
        """The executions that ended in the last transaction."""
        self._functions = functions
        self._started: dict[str, dict[str, float]] = {}
        self._lists: dict[str, deque[str]] = {}

    def take(self, transaction: list[Command]) -> None:
        """Apply one transaction, and record what it ended."""
        ended: list[tuple[str, str]] = []
        self.ended_now = []
        for command in transaction:
            name, key = command[0].decode().upper(), command[1].decode() if len(command) > 1 else ""
            if key.startswith("rq:wip:"):
                ended += [
                    (key.removeprefix("rq:wip:"), job) for job in self._change_started(name, key, command)
                ]
            elif key.startswith("rq:queue:"):
                self._change_list(name, key, [part.decode() for part in command[2:]])
        abandoned = any(command[0].upper() == b"ZREMRANGEBYSCORE" for command in transaction)
        for queue, job in ended:
            if not abandoned and not _changes(transaction, job):
                self.taken_back[job] += 1
                continue
            outcome = "abandoned" if abandoned else outcome_of(transaction, job)
            self.count(job, queue, outcome)
        if not ended:
            self.note_end_without_execution(transaction)

    def count(self, job: str, queue: str, outcome: str) -> None:
        self.ends[End(queue, self._functions[job], outcome)] += 1

    def _change_started(self, name: str, key: str, command: Command) -> list[str]:
        """Return the ids of the jobs whose executions left the registry."""
        started = self._started.setdefault(key, {})
        if name == "ZADD":
            score, member = command[-2:]
            if b"XX" not in command or member.decode() in started:
                started[member.decode()] = float(score)
            return []
        if name == "ZREM":
            gone = [member.decode() for member in command[2:] if member.decode() in started]
        elif name == "ZREMRANGEBYSCORE":
            low, high = float(command[2]), float(command[3])
            gone = [member for member, score in started.items() if low <= score <= high]
        else:
            raise ValueError(f"a registry of started jobs was changed by {name}")
        for execution in gone:
            del started[execution]
            self.ended.add(execution)
            self.ended_now.append(execution)
        return [execution.partition(":")[0] for execution in gone]

    def _change_list(self, name: str, key: str, arguments: list[str]) -> None:
        items = self._lists.setdefault(key, deque())
        match name, arguments:
            case "RPUSH", ids:
                items.extend(ids)
            case "LPUSH", ids:
                items.extendleft(ids)
            case "LPOP", _:
                items.popleft()
            case "LMOVE" | "BLMOVE", [target, *_]:
                self._lists.setdefault(target, deque()).append(items.popleft())
            case "LREM", [_, job_id]:
                items.remove(job_id)
            case (("SET" | "PEXPIREAT" | "EXPIRE" | "DEL"), _):
                pass  # the key with the time at which a stuck job was first seen
            case _:
                raise ValueError(f"a queue was changed by {name}")

    def note_end_without_execution(self, transaction: list[Command]) -> None:
        """Record the end of a job that did not run: stuck in the intermediate queue, or already ended."""
        for command in transaction:
            key = command[1].decode(errors="replace") if len(command) > 1 else ""
            if not (key.startswith("rq:job:") and command[0].upper() == b"HSET"):
                continue
            job = key.removeprefix("rq:job:")
            status = field(command, b"status")
            if status not in (b"failed", b"queued") or job not in self._functions:
                continue
            queue = self._queue_that_it_is_stuck_in(job)
            if queue is not None:
                self.count(job, queue, "abandoned")
                return
            if status == b"failed":
                self.recorded_again += 1
                return

    def _queue_that_it_is_stuck_in(self, job: str) -> str | None:
        for key, items in self._lists.items():
            if key.endswith(":intermediate") and job in items:
                return key.removeprefix("rq:queue:").removesuffix(":intermediate")
        return None


def _changes(transaction: list[Command], job: str) -> bool:
    return any(
        command[0].upper() == b"HSET" and command[1] == f"rq:job:{job}".encode() for command in transaction
    )


def outcome_of(transaction: list[Command], job: str) -> str:
    """Return the outcome of a job in the transaction that ends its execution."""
    statuses = [
        field(command, b"status")
        for command in transaction
        if command[0].upper() == b"HSET" and command[1] == f"rq:job:{job}".encode()
    ]
    status = next((status for status in reversed(statuses) if status), b"")
    return {b"finished": "success", b"failed": "failed", b"stopped": "stopped"}.get(status, "retried")


def field(command: Command, name: bytes) -> bytes | None:
    """Return the value of a field in HSET; None if it is not set."""
    pairs = command[2:]
    return dict(zip(pairs[::2], pairs[1::2], strict=True)).get(name)

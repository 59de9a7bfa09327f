"""What Redis recorded, replayed from its append-only file: ends of executions, and ticks of cron jobs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.recorded_ends import Command, Replay, transactions
from fault_run.cron_scheduler import SCHEDULES
from fault_run.jobs import tick
from scheduler.catalogue import CRON_NEXT_TICKS_KEY
from scheduler.queues import SHORT_RUNNING_QUEUE

ENTRY_ID = re.compile(rb"[0-9]+-[0-9]+")
RESULTS = "rq:results:"
QUEUES = "rq:queue:"
OUTCOME_OF_RESULT = {b"1": "success", b"2": "failed", b"4": "retried", b"5": "failed"}
"""RQ's types of results: successful, failed, retried, and retried too often."""


class _WithTicks(dict[str, str]):
    """Functions by job id; the jobs of ticks are known by the form of their ids."""

    def __missing__(self, job_id: str) -> str:
        if is_tick(job_id):
            return f"{tick.__module__}.{tick.__qualname__}"
        raise KeyError(job_id)

    def __contains__(self, job_id: object) -> bool:
        return super().__contains__(job_id) or (isinstance(job_id, str) and is_tick(job_id))


def is_tick(job_id: str) -> bool:
    """Tell whether it is the id of a job that runs for a tick of a cron job."""
    return job_id.rpartition("-")[0] in SCHEDULES


class FaultReplay(Replay):
    """RQ's registries and queues, and the claims of ticks.

    Args:
        functions: those of the jobs, by job id.
        queues: where they are enqueued, by job id.
    """

    def __init__(self, functions: Mapping[str, str], queues: Mapping[str, str]) -> None:
        super().__init__(_WithTicks(functions))
        self.successes: Counter[str] = Counter()
        """By job: how often the end of an execution was recorded as a success."""
        self.without_start = 0
        """Ends whose starts Redis had lost with its power."""
        self.claims: Counter[str] = Counter()
        """By the id of the job that runs for a tick: how often the tick was claimed."""
        self.due: dict[str, list[float]] = {}
        """By cron job: when it was due next, from its registration on."""
        self._queues = queues

    def take(self, transaction: list[Command]) -> None:
        """Apply one transaction."""
        super().take(transaction)
        changes = [command for command in transaction if command[1:2] == [CRON_NEXT_TICKS_KEY.encode()]]
        for change in changes:
            if change[0].upper() == b"ZADD":
                self.due.setdefault(change[-1].decode(), []).append(float(change[-2]))
        for command in transaction if changes else ():
            if command[0].upper() == b"RPUSH" and command[1].startswith(QUEUES.encode()):
                self.claims.update(job_id.decode() for job_id in command[2:])

    def count(self, job: str, queue: str, outcome: str) -> None:
        """Count one end."""
        super().count(job, queue, outcome)
        if outcome == "success":
            self.successes[job] += 1

    def note_end_without_execution(self, transaction: list[Command]) -> None:
        """Count ends whose start Redis has lost: their results name an execution that it does not know."""
        for command in transaction:
            if command[0].upper() != b"XADD" or not command[1].startswith(RESULTS.encode()):
                continue
            job = command[1].decode().removeprefix(RESULTS)
            result = _entry(command)
            execution = f"{job}:{result.get(b'execution_id', b'').decode()}"
            if b"execution_id" in result and execution not in self.ended:
                self.ended.add(execution)
                self.without_start += 1
                outcome = OUTCOME_OF_RESULT[result[b"type"]]
                self.count(job, self._queues.get(job, SHORT_RUNNING_QUEUE), outcome)
                return
        super().note_end_without_execution(transaction)


def _entry(command: Command) -> dict[bytes, bytes]:
    """Return the fields of the entry that an XADD adds to a stream: they follow its id."""
    begin = next(place for place, part in enumerate(command) if ENTRY_ID.fullmatch(part)) + 1
    return dict(zip(command[begin::2], command[begin + 1 :: 2], strict=True))


def replay(file: Path, functions: Mapping[str, str], queues: Mapping[str, str]) -> FaultReplay:
    """Replay an append-only file."""
    replayed = FaultReplay(functions, queues)
    with file.open("rb") as log:
        for transaction in transactions(log):
            replayed.take(transaction)
    return replayed

"""Explains false statements of the ledger: everything that each source has about the jobs in question."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from proofs.fault_run.evidence import Evidence
from proofs.fault_run.recorded_ends import Command, timed_transactions
from proofs.fault_run.replay import FaultReplay
from proofs.table import Row
from rq_mon.catalogue import COUNTED_KEY_PREFIX, JOBS_KEY_PREFIX
from rq_mon.worker.recorder import REHEARSAL

MOST = 10
"""Number of jobs whose history is shown."""
NEAR = 5.0
"""Faults are shown up to this number of seconds before the first and after the last line of a job."""
LONGEST = 240
"""Most characters of a line."""
APPEND_ONLY_FILE = "appendonly.aof"
JOB_ID = re.compile(r"\bjob-\d{6}\b")
_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\S+Z) ")
_COUNT = ":count"


class _Compared(FaultReplay):
    """Records for each execution how RQ recorded its end, and how this package counted it.

    Args:
        known: functions and queues, the arguments of `FaultReplay`.
        refused: periods in which Redis refused to count.
    """

    def __init__(self, *known: dict[str, str], refused: Sequence[tuple[float, float]] = ()) -> None:
        super().__init__(*known)
        self.moment = 0.0
        """Unix time of the next transaction."""
        self.recorded: dict[str, list[str]] = defaultdict(list)
        self.counted: dict[str, list[str]] = defaultdict(list)
        self.jobs: dict[str, str] = {}
        self._refused = refused
        self._may_be_uncounted: set[str] = set()

    def take(self, transaction: list[Command]) -> None:
        super().take(transaction)
        execution = ""
        for command in transaction:
            name, key = command[0].upper(), command[1].decode(errors="replace") if command[1:] else ""
            if name == b"SET" and key.startswith(COUNTED_KEY_PREFIX):
                execution = key.removeprefix(COUNTED_KEY_PREFIX)
            elif name == b"HINCRBY" and key.startswith(JOBS_KEY_PREFIX) and execution not in ("", REHEARSAL):
                outcome = command[2].decode(errors="replace")
                if outcome.endswith(_COUNT):
                    self.counted[execution].append(outcome.removesuffix(_COUNT))
                    execution = ""
            elif name == b"HSET" and b":exemplar:" in b"".join(command[2:3]) and self.counted:
                self.jobs.setdefault(next(reversed(self.counted)), command[3].decode().rpartition(" ")[2])

    def count(self, job: str, queue: str, outcome: str) -> None:
        super().count(job, queue, outcome)
        for entry in self.ended_now:
            if entry.startswith(f"{job}:"):
                execution = entry.rpartition(":")[2]
                self.recorded[execution].append(outcome)
                self.jobs[execution] = job
                if any(begin - 1 <= self.moment <= end + 1 for begin, end in self._refused):
                    self._may_be_uncounted.add(execution)

    def disagreements(self) -> Iterator[tuple[str, str]]:
        """Yield the job of each execution that was not counted as it was recorded, and the difference."""
        for execution in self.recorded.keys() | self.counted.keys():
            recorded, counted = self.recorded.get(execution, []), self.counted.get(execution, [])
            is_uncounted = not counted and execution in self._may_be_uncounted
            if recorded != counted and execution in self.jobs and not is_uncounted:
                yield self.jobs[execution], f"{execution}: recorded as {recorded}, counted as {counted}"


def show_histories(directory: Path, evidence: Evidence, missed: Sequence[Row]) -> None:
    """Print the history of jobs that a false statement names, or whose recorded and counted ends differ."""
    file = directory / APPEND_ONLY_FILE
    named = {job_id for row in missed for job_id in JOB_ID.findall(" ".join(row.cells()))}
    compared = _compare(file, evidence)
    differences = sorted(compared.disagreements())
    for job_id, difference in differences:
        print(f"{job_id}, execution {difference}")
    for job_id in sorted(named | {job_id for job_id, _ in differences})[:MOST]:
        print(f"\n{job_id}")
        for moment, line in _history(job_id, directory, evidence):
            print(f"  {datetime.fromtimestamp(moment, UTC):%H:%M:%S.%f}  {line[:LONGEST]}")


def _compare(file: Path, evidence: Evidence) -> _Compared:
    kinds = {job_id: spec.kind for job_id, spec in evidence.known.specs.items()}
    compared = _Compared(
        {job_id: kind.path for job_id, kind in kinds.items()},
        {job_id: kind.queue for job_id, kind in kinds.items()},
        refused=evidence.refused,
    )
    with file.open("rb") as log:
        for compared.moment, transaction in timed_transactions(log):
            compared.take(transaction)
    return compared


def _history(job_id: str, directory: Path, evidence: Evidence) -> list[tuple[float, str]]:
    lines = [
        *(
            (line.time, f"the job: {line.event}, process {line.pid}")
            for line in evidence.lines.get(job_id, ())
        ),
        *_logged(job_id, directory / "processes.log"),
        *_commands(job_id, directory / APPEND_ONLY_FILE),
    ]
    moments = [moment for moment, _ in lines]
    if moments:
        begin, end = min(moments) - NEAR, max(moments) + NEAR
        lines += [(moment, event) for moment, event in evidence.events if begin <= moment <= end]
    return sorted(lines, key=lambda line: line[0])


def _logged(job_id: str, log: Path) -> Iterator[tuple[float, str]]:
    for line in log.read_text(errors="replace").splitlines():
        found = _TIME.match(line)
        if found and job_id in line:
            yield datetime.fromisoformat(found[1]).timestamp(), f"log: {line[found.end() :]}"


def _commands(job_id: str, file: Path) -> Iterator[tuple[float, str]]:
    """Yield the commands that name the job. Redis notes the time once a second."""
    with file.open("rb") as log:
        for moment, transaction in timed_transactions(log):
            for command in transaction:
                if any(job_id.encode() in part for part in command):
                    yield (
                        moment,
                        "Redis: " + b" ".join(part[:60] for part in command).decode(errors="replace"),
                    )

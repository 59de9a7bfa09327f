"""Replays Redis' append-only file: ends of executions, and ticks of cron jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from proofs.fault_run.cron_scheduler import SCHEDULES
from proofs.fault_run.jobs import tick
from proofs.fault_run.recorded_ends import Command, End, Replay, field, outcome_of, transactions
from rq_mon.catalogue import CRON_JOBS_KEY, CRON_NEXT_TICKS_KEY
from scheduler.queues import SHORT_RUNNING_QUEUE

JOBS = "rq:job:"
QUEUES = "rq:queue:"
STARTED = b"rq:wip:"
SCHEDULED = b"rq:scheduled:"
WORKERS = "rq:worker:"


class _WithTicks(dict[str, str]):
    """Functions by job id; the jobs of ticks are recognized by their ids."""

    def __missing__(self, job_id: str) -> str:
        if is_tick(job_id):
            return f"{tick.__module__}.{tick.__qualname__}"
        raise KeyError(job_id)

    def __contains__(self, job_id: object) -> bool:
        return super().__contains__(job_id) or (isinstance(job_id, str) and is_tick(job_id))


def is_tick(job_id: str) -> bool:
    """Return whether this is the id of a tick's job."""
    return job_id.rpartition("-")[0] in SCHEDULES


class FaultReplay(Replay):
    """RQ's registries and queues, and the claims of ticks.

    Args:
        functions: the jobs' functions, by job id.
        queues: the jobs' queues, by job id.
    """

    def __init__(self, functions: Mapping[str, str], queues: Mapping[str, str]) -> None:
        super().__init__(_WithTicks(functions))
        self.successes: Counter[str] = Counter()
        """By job: how often a success was recorded."""
        self.without_start: Counter[str] = Counter()
        """By job: ends whose starts Redis had lost in a power cut."""
        self.late: list[tuple[End, End]] = []
        """Executions that RQ abandoned and that ended after all: the counted end and the real one."""
        self.claims: Counter[str] = Counter()
        """By job id of a tick: how often the tick was claimed."""
        self.due: dict[str, list[float]] = {}
        """By cron job: its next due times, from its registration on."""
        self.cancelled: Counter[str] = Counter()
        """By cron job: how often it was cancelled."""
        self._queues = queues
        self._in_hand: dict[str, str] = {}
        """By worker: the last execution that it started, as far as Redis knows."""
        self._abandoned: set[str] = set()

    def take(self, transaction: list[Command]) -> None:
        self._note_start(transaction)
        super().take(transaction)
        if any(command[0].upper() == b"ZREMRANGEBYSCORE" for command in transaction):
            self._abandoned.update(self.ended_now)
        for command in transaction:
            if command[0].upper() == b"HDEL" and command[1] == CRON_JOBS_KEY.encode():
                self.cancelled.update(cron_job.decode() for cron_job in command[2:])
        changes = [command for command in transaction if command[1:2] == [CRON_NEXT_TICKS_KEY.encode()]]
        for change in changes:
            if change[0].upper() == b"ZADD":
                self.due.setdefault(change[-1].decode(), []).append(float(change[-2]))
        for command in transaction if changes else ():
            if command[0].upper() == b"RPUSH" and command[1].startswith(QUEUES.encode()):
                self.claims.update(job_id.decode() for job_id in command[2:])

    def count(self, job: str, queue: str, outcome: str) -> None:
        super().count(job, queue, outcome)
        if outcome == "success":
            self.successes[job] += 1

    def end_of(self, job: str, outcome: str) -> End:
        """Return the end of a job with this outcome."""
        return End(self._queues.get(job, SHORT_RUNNING_QUEUE), self._functions[job], outcome)

    def note_end_without_execution(self, transaction: list[Command]) -> None:
        """Count ends whose starts Redis has lost, so that the worker seems to run something else."""
        job = _ended_job(transaction)
        worker = _worker_of(transaction) or self._last_worker_of(job, transaction)
        if not worker or not job:
            super().note_end_without_execution(transaction)
            return
        started = self._in_hand.get(worker, "")
        outcome = outcome_of(transaction, job)
        end = self.end_of(job, outcome)
        if not started.startswith(f"{job}:"):
            self._in_hand[worker] = f"{job}:"
            self.without_start[job] += 1
            self.count(job, end.queue, outcome)
        elif started in self._abandoned:
            self.late.append((self.end_of(job, "abandoned"), end))
        else:
            super().note_end_without_execution(transaction)

    def _last_worker_of(self, job: str, transaction: list[Command]) -> str:
        """Return the worker that RQ saved with the job; the transaction may not change the worker itself."""
        if self._queue_that_it_is_stuck_in(job) is not None:
            return ""  # maintenance ended it, not the worker that ran it
        if any(command[0].upper() == b"ZREM" and command[1].startswith(SCHEDULED) for command in transaction):
            return ""  # its delay is over
        for command in transaction:
            if command[0].upper() == b"HSET" and command[1] == f"{JOBS}{job}".encode():
                name = field(command, b"worker_name")
                if name:
                    return f"{WORKERS}{name.decode()}"
        return ""

    def _note_start(self, transaction: list[Command]) -> None:
        worker = _worker_of(transaction)
        for command in transaction:
            if (
                worker
                and command[0].upper() == b"ZADD"
                and command[1].startswith(STARTED)
                and b"XX" not in command
            ):
                self._in_hand[worker] = command[-1].decode()


def _worker_of(transaction: list[Command]) -> str:
    keys = (command[1].decode(errors="replace") for command in transaction if len(command) > 1)
    return next((key for key in keys if key.startswith(WORKERS)), "")


def _ended_job(transaction: list[Command]) -> str:
    """Return the job whose execution a worker has ended in a transaction."""
    for command in transaction:
        key = command[1].decode(errors="replace") if len(command) > 1 else ""
        if key.startswith(JOBS) and command[0].upper() == b"HSET" and b"status" in command:
            status = command[command.index(b"status") + 1]
            return "" if status == b"started" else key.removeprefix(JOBS)
    return ""


def replay(file: Path, functions: Mapping[str, str], queues: Mapping[str, str]) -> FaultReplay:
    """Replay an append-only file."""
    replayed = FaultReplay(functions, queues)
    with file.open("rb") as log:
        for transaction in transactions(log):
            replayed.take(transaction)
    return replayed

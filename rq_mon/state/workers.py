"""Reads workers from their hashes in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from rq import Worker
from rq.worker import WorkerStatus
from rq.worker_registration import REDIS_WORKER_KEYS

from rq_mon.catalogue import LONGEST_VERSION, MONITORED_WORKER_FIELD, WORKER_VERSION_FIELD
from rq_mon.state.errors import Errors, Problems
from rq_mon.state.memory import Group, Memory, grouped
from rq_mon.state.pipeline import Reading, side_by_side
from rq_mon.state.values import Fields, job_key, label_text, names_of

BUSY = WorkerStatus.BUSY.value.encode()
KEY_PREFIX = Worker.redis_worker_namespace_prefix.encode()

FIELDS = (
    "birth",
    "state",
    "queues",
    "successful_job_count",
    "failed_job_count",
    "total_working_time",
    "last_heartbeat",
    "current_job",
    "death",
    MONITORED_WORKER_FIELD,
    WORKER_VERSION_FIELD,
)
EXECUTIONS = b":executions"
"""Suffix of a worker's key. Set: jobs that an RQ 3 worker runs, as `<job id>:<execution id>`."""
WORKERS_PER_GROUP = 16
"""Workers that are compared together, about."""
JOB_FIELDS = ("origin", "started_at", "timeout")


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """The current job of a worker."""

    queue: str
    started_at: float
    timeout: float | None
    """Timeout in seconds; None without one, or if unreadable."""


@dataclass(slots=True)
class WorkerFacts:
    """One worker that RQ lists; unreadable numbers are None. Times are Unix times in seconds."""

    key: bytes
    name: str
    state: str
    queues: tuple[str, ...]
    successful_jobs: float | None
    failed_jobs: float | None
    working_time: float | None
    last_heartbeat: float | None
    job_id: bytes | None
    is_live: bool
    """False if it has signed off and its hash is about to expire."""
    is_monitored: bool
    """Whether it is a monitored worker, which counts its jobs."""
    version: str = ""
    """Version of its code; empty if it reports none."""
    job: CurrentJob | None = None


@dataclass(frozen=True, slots=True)
class KnownWorkers:
    """All workers that RQ lists."""

    groups: Sequence[Group[WorkerFacts]]
    expire_in: Mapping[bytes, float]
    """Seconds until RQ drops a worker unless it sends a heartbeat, by its key. Not for all workers."""

    def all(self) -> Iterator[WorkerFacts]:
        """Return every worker."""
        return chain.from_iterable(self.groups)


def read_workers(errors: Errors | Problems) -> Reading[list[WorkerFacts]]:
    """Read every worker that RQ lists, and its current job."""
    names = yield from _read_names(errors)
    return [*(yield from _read_group(names, errors))]


def read_known_workers(errors: Errors, memory: Memory) -> Reading[KnownWorkers]:
    """Read what changed about the workers since the last time, and when their keys expire."""
    groups = yield from memory.read("workers", _read_groups, errors)
    found = yield from side_by_side(
        *(memory.read(("workers", group), partial(_read_group, group), errors) for group in groups),
        *(memory.read(("expiry", group), partial(_read_expiry, group), errors) for group in groups),
    )
    expiry = (item for times in found[len(groups) :] for item in times)
    return KnownWorkers(groups=found[: len(groups)], expire_in=dict(expiry))


def read_worker_hashes(errors: Errors | Problems) -> Reading[list[WorkerFacts]]:
    """Read every registered worker for rq-exporter. A killed worker stays listed for a while."""
    names = yield from _read_names(errors)
    return (yield from _read_hashes(names, Fields("workers", errors)))


Names = Sequence[tuple[str, bytes]]
"""Names and keys of workers."""


def _read_names(errors: Errors | Problems) -> Reading[Names]:
    (members,) = yield [("SMEMBERS", REDIS_WORKER_KEYS)]
    fields = Fields("workers", errors)
    return [*names_of(members or (), KEY_PREFIX, REDIS_WORKER_KEYS, fields).items()]


def _read_groups(problems: Problems) -> Reading[Sequence[Names]]:
    names = yield from _read_names(problems)
    return grouped(names, WORKERS_PER_GROUP, lambda name: name[1])


def _read_group(names: Names, errors: Errors | Problems) -> Reading[Group[WorkerFacts]]:
    fields = Fields("workers", errors)
    workers = yield from _read_hashes(names, fields)
    unnamed = [worker for worker in workers if worker.state == WorkerStatus.BUSY and not worker.job_id]
    replies = yield [("SMEMBERS", worker.key + EXECUTIONS) for worker in unnamed]
    for worker, executions in zip(unnamed, replies, strict=True):
        worker.job_id = _job_of(executions or ())
    busy = [(worker, worker.job_id) for worker in workers if worker.job_id]
    jobs = yield [("HMGET", job_key(job_id), *JOB_FIELDS) for _, job_id in busy]
    for (worker, _), job in zip(busy, jobs, strict=True):
        worker.job = _current_job(worker.name, job, fields)
    return Group(workers)


def _read_hashes(names: Names, fields: Fields) -> Reading[list[WorkerFacts]]:
    """Read workers.

    A hash without birth and queues is not a worker: it was written after Redis had lost the worker.
    """
    rows = yield [("HMGET", key, *FIELDS) for _, key in names]
    workers = []
    for (name, key), row in zip(names, rows, strict=True):
        stored = dict(zip(FIELDS, row, strict=True)) if row else {}
        if stored and (stored["birth"] or stored["queues"] is not None):
            workers.append(_worker(key, name, stored, fields))
    return workers


def _read_expiry(names: Names, _: Problems) -> Reading[list[tuple[bytes, float]]]:
    times = yield [("TTL", key) for _, key in names]
    # Below 0: no expiry, or just expired.
    return [(key, seconds) for (_, key), seconds in zip(names, times, strict=True) if seconds >= 0]


def _worker(key: bytes, name: str, stored: Mapping[str, bytes | None], fields: Fields) -> WorkerFacts:
    def count(field: str) -> float | None:
        # Like RQ, which treats a missing or empty field as 0.
        return fields.count(stored[field] or b"0", field, name)

    state, queues, heartbeat = stored["state"], stored["queues"], stored["last_heartbeat"]
    return WorkerFacts(
        key=key,
        name=name,
        state=label_text(b"?" if state is None else state),
        queues=tuple(label_text(queue) for queue in queues.split(b",")) if queues else (),
        successful_jobs=count("successful_job_count"),
        failed_jobs=count("failed_job_count"),
        working_time=count("total_working_time"),
        last_heartbeat=fields.timestamp(heartbeat, "last_heartbeat", name) if heartbeat else None,
        job_id=stored["current_job"] if state in (BUSY, None) else None,
        is_live=not stored["death"],
        is_monitored=bool(stored[MONITORED_WORKER_FIELD]),
        version=label_text(stored[WORKER_VERSION_FIELD] or b"")[:LONGEST_VERSION],
    )


def _job_of(executions: Iterable[bytes]) -> bytes | None:
    """Return the current job; a worker of RQ runs one at a time."""
    execution = min(executions, default=b"")
    return execution.rpartition(b":")[0] or None


def _current_job(worker: str, job: Sequence[bytes | None] | None, fields: Fields) -> CurrentJob | None:
    """None also if the job was deleted meanwhile, for example because its result is not kept."""
    if not job:
        return None
    origin, started_at, timeout = job
    if not origin or not started_at:
        return None
    started = fields.timestamp(started_at, "start of the job of", worker)
    if started is None:
        return None
    return CurrentJob(label_text(origin), started, _timeout(worker, timeout, fields))


def _timeout(worker: str, stored: bytes | None, fields: Fields) -> float | None:
    """Return None for RQ's -1, which means no limit."""
    seconds = fields.number(stored, "timeout of the job of", worker) if stored else None
    return seconds if seconds is not None and seconds > 0 else None

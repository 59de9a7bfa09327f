"""Workers, from the hashes that they keep in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rq import Worker
from rq.worker import WorkerStatus
from rq.worker_registration import REDIS_WORKER_KEYS

from rq_mon.catalogue import LONGEST_VERSION, MONITORED_WORKER_FIELD, WORKER_VERSION_FIELD
from rq_mon.state.errors import Errors
from rq_mon.state.pipeline import Reading
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
"""Follows the key of a worker. Set: what a worker of RQ 3 runs, as `<job id>:<execution id>`."""
JOB_FIELDS = ("origin", "started_at", "timeout")


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """The job that a worker works on."""

    queue: str
    started_at: float
    timeout: float | None
    """Seconds it may run for; None for one without a limit, or whose limit cannot be read."""


@dataclass(slots=True)
class WorkerFacts:
    """One worker that RQ lists; a number that cannot be read is None. Times are Unix times in seconds."""

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
    """False for one that has said goodbye and whose hash is about to expire."""
    is_monitored: bool
    """Whether it counts its jobs."""
    version: str = ""
    """Of the code that it runs; empty if it reports none."""
    expires_in: float | None = None
    """Seconds until RQ forgets it, unless it reports."""
    job: CurrentJob | None = None


def read_workers(errors: Errors) -> Reading[list[WorkerFacts]]:
    """Read every worker that RQ lists, what it works on, and how long RQ remembers it."""
    fields = Fields("workers", errors)
    workers = yield from read_worker_hashes(errors)
    untold = [worker for worker in workers if worker.state == WorkerStatus.BUSY and not worker.job_id]
    replies = yield [
        *(("TTL", worker.key) for worker in workers),
        *(("SMEMBERS", worker.key + EXECUTIONS) for worker in untold),
    ]
    for worker, ttl in zip(workers, replies, strict=False):
        worker.expires_in = ttl if ttl >= 0 else None  # below 0: it does not expire, or has just done so
    for worker, executions in zip(untold, replies[len(workers) :], strict=True):
        worker.job_id = _job_of(executions or ())
    busy = [(worker, worker.job_id) for worker in workers if worker.job_id]
    jobs = yield [("HMGET", job_key(job_id), *JOB_FIELDS) for _, job_id in busy]
    for (worker, _), job in zip(busy, jobs, strict=True):
        worker.job = _current_job(worker.name, job, fields)
    return workers


def read_worker_hashes(errors: Errors) -> Reading[list[WorkerFacts]]:
    """Read what rq-exporter needs: every worker that is registered. A killed one stays listed for a while.

    A hash without birth and queues is none: something was written to it after Redis had lost it.
    """
    fields = Fields("workers", errors)
    (members,) = yield [("SMEMBERS", REDIS_WORKER_KEYS)]
    names = names_of(members or (), KEY_PREFIX, REDIS_WORKER_KEYS, fields)
    rows = yield [("HMGET", key, *FIELDS) for key in names.values()]
    hashes = {name: dict(zip(FIELDS, row, strict=True)) for name, row in zip(names, rows, strict=True) if row}
    return [
        _worker(names[name], name, stored, fields)
        for name, stored in hashes.items()
        if stored["birth"] or stored["queues"] is not None
    ]


def _worker(key: bytes, name: str, stored: Mapping[str, bytes | None], fields: Fields) -> WorkerFacts:
    def count(field: str) -> float | None:
        # RQ, too, takes a field that is missing or empty for 0.
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
    """A worker of RQ runs one job at a time."""
    execution = min(executions, default=b"")
    return execution.rpartition(b":")[0] or None


def _current_job(worker: str, job: Sequence[bytes | None] | None, fields: Fields) -> CurrentJob | None:
    """None also for a job that was deleted meanwhile: one whose result is not kept, for example."""
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
    """RQ writes -1 for no limit."""
    seconds = fields.number(stored, "timeout of the job of", worker) if stored else None
    return seconds if seconds is not None and seconds > 0 else None

"""Workers, from the hashes that they keep in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rq import Worker
from rq.job import Job
from rq.worker_registration import REDIS_WORKER_KEYS

from scheduler.exporter.errors import Errors
from scheduler.exporter.reading.pipeline import Command, Reading
from scheduler.exporter.reading.values import Fields, label_text

KEY_PREFIX = Worker.redis_worker_namespace_prefix.encode()
JOB_KEY_PREFIX = Job.redis_job_namespace_prefix.encode()

FIELDS = (
    "state",
    "queues",
    "successful_job_count",
    "failed_job_count",
    "total_working_time",
    "last_heartbeat",
    "current_job",
    "death",
)
JOB_FIELDS = ("origin", "started_at")

TTL_OF_NO_KEY = -2
"""What Redis answers for a key that does not exist; -1 stands for one that does not expire."""


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The job that a worker works on."""

    queue: str
    started_at: float


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """One worker that RQ lists; a number that cannot be read is None. Times are Unix times in seconds."""

    name: str
    state: str
    queues: tuple[str, ...]
    successful_jobs: float | None
    failed_jobs: float | None
    working_time: float | None
    last_heartbeat: float | None
    expires_in: float | None
    """Seconds until RQ forgets it, unless it reports."""
    is_live: bool
    """False for one that has said goodbye and whose hash is about to expire."""
    job: RunningJob | None


def read_workers(errors: Errors) -> Reading[list[WorkerFacts]]:
    """Read every worker whose hash exists; a killed one stays listed without it until RQ cleans up."""
    fields = Fields("workers", errors)
    (members,) = yield [("SMEMBERS", REDIS_WORKER_KEYS)]
    keys = _worker_keys(members or (), fields)
    rows = yield [("HMGET", key, *FIELDS) for key in keys]
    workers = {key: dict(zip(FIELDS, row, strict=True)) for key, row in zip(keys, rows, strict=True) if row}

    blank = [key for key, worker in workers.items() if not any(worker.values())]
    busy = [key for key, worker in workers.items() if worker["current_job"]]
    replies = yield [("TTL", key) for key in workers] + [_job_command(workers[key]) for key in busy]
    expiries = dict(zip(workers, replies, strict=False))
    jobs = dict(zip(busy, replies[len(expiries) :], strict=True))
    for key in blank:
        if expiries[key] == TTL_OF_NO_KEY:
            del workers[key]
    return [_worker(key, worker, expiries[key], jobs.get(key), fields) for key, worker in workers.items()]


def _worker_keys(members: Sequence[bytes], fields: Fields) -> list[bytes]:
    keys = []
    for member in sorted(members):
        if member.startswith(KEY_PREFIX):
            keys.append(member)
        else:
            fields.skip(f"{member[:100]!r} in {REDIS_WORKER_KEYS} is not the key of a worker")
    return keys


def _job_command(worker: dict[str, bytes]) -> Command:
    return ("HMGET", JOB_KEY_PREFIX + worker["current_job"], *JOB_FIELDS)


def _worker(
    key: bytes, worker: dict[str, Any], expires_in: int, job: Sequence[Any] | None, fields: Fields
) -> WorkerFacts:
    name = label_text(key.removeprefix(KEY_PREFIX))

    def count(field: str) -> float | None:
        # RQ, too, takes a field that is missing or empty for 0.
        return fields.number(worker[field] or b"0", f"{field} of worker {name}")

    heartbeat = worker["last_heartbeat"]
    return WorkerFacts(
        name=name,
        state=label_text(worker["state"] if worker["state"] is not None else b"?"),
        queues=tuple(
            label_text(queue) for queue in (worker["queues"] or b"").split(b",") if worker["queues"]
        ),
        successful_jobs=count("successful_job_count"),
        failed_jobs=count("failed_job_count"),
        working_time=count("total_working_time"),
        last_heartbeat=fields.timestamp(heartbeat, f"last_heartbeat of worker {name}") if heartbeat else None,
        expires_in=expires_in if expires_in >= 0 else None,
        is_live=not worker["death"],
        job=_running_job(name, job, fields),
    )


def _running_job(worker: str, job: Sequence[Any] | None, fields: Fields) -> RunningJob | None:
    """None also for a job that was deleted meanwhile: one whose result is not kept, for example."""
    if not job or not all(job):
        return None
    origin, started_at = job
    started = fields.timestamp(started_at, f"started_at of the job of worker {worker}")
    return RunningJob(label_text(origin), started) if started is not None else None

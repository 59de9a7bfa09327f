"""Stop a job that runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis import Redis
from rq.command import send_command
from rq.job import JobStatus

from rq_mon.state.values import job_key, label_text


class Stopping(NamedTuple):
    """Who was told to stop a job."""

    worker: str


def stop(connection: Redis, job_id: str) -> Stopping | None:
    """Tell the worker of a job to stop it, and return which worker; None if the job does not run.

    The worker kills the work horse, and the job counts as stopped. RQ's own command would unpickle the job.
    """
    reads: Any = connection
    key = job_key(job_id.encode(errors="surrogateescape"))
    status, worker = reads.hmget(key, "status", "worker_name")
    if status != JobStatus.STARTED.value.encode() or not worker:
        return None
    send_command(connection, worker.decode(errors="surrogateescape"), "stop-job", job_id=job_id)
    return Stopping(label_text(worker))

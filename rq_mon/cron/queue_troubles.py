"""Finds queues in which a tick's job would wait forever, for example after a queue was renamed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import ResponseError
from rq import Queue
from rq.job import Job
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

UNSERVED_SECONDS = 120
"""Seconds: workers may be starting because there is work. RQQueueWithoutWorkers waits as long."""


@dataclass(frozen=True, slots=True)
class QueueTrouble:
    """The reason why no worker can run a job of the queue."""

    reason: str
    takes_jobs: bool
    """Whether the job can still be enqueued, to wait for a worker."""


def queue_troubles(connection: Any, names: Collection[str], now: float) -> dict[str, QueueTrouble]:
    """Return the trouble of each queue that has one; `now` is a Unix time."""
    if not names:
        return {}
    troubles, unserved = {}, {}
    for name, (workers, head) in _workers_and_heads(connection, names).items():
        if isinstance(head, ResponseError):
            troubles[name] = QueueTrouble(f"the key of queue={name} has the wrong type", takes_jobs=False)
        elif workers == 0 and head is not None:
            unserved[name] = head
    for name, since in _enqueued_at(connection, unserved).items():
        if since is not None and now - since > UNSERVED_SECONDS:
            reason = f"no worker listens to queue={name}, where jobs wait already"
            troubles[name] = QueueTrouble(reason, takes_jobs=True)
    return troubles


def _workers_and_heads(connection: Any, names: Collection[str]) -> dict[str, tuple[Any, Any]]:
    with connection.pipeline(transaction=False) as reads:
        for name in names:
            reads.scard(WORKERS_BY_QUEUE_KEY % name)
            reads.lindex(Queue.redis_queue_namespace_prefix + name, 0)
        found = iter(reads.execute(raise_on_error=False))
    return {name: (next(found), next(found)) for name in names}


def _enqueued_at(connection: Any, job_ids: dict[str, bytes]) -> dict[str, float | None]:
    """Return when the waiting jobs were enqueued, by queue."""
    if not job_ids:
        return {}
    with connection.pipeline(transaction=False) as reads:
        for job_id in job_ids.values():
            reads.hget(Job.redis_job_namespace_prefix.encode() + job_id, "enqueued_at")
        found = reads.execute(raise_on_error=False)
    return dict(zip(job_ids, map(_timestamp, found), strict=True))


def _timestamp(raw: Any) -> float | None:
    try:
        return datetime.fromisoformat(raw.decode()).timestamp()
    except (AttributeError, ValueError):
        return None

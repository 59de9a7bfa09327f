"""RQ's maintenance, guarded: one broken job, callback or key does not stop the rest."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue
from rq.defaults import DEFAULT_FAILURE_TTL
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import JobStatus
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from rq_mon.worker.callbacks import Handler, with_guarded_callbacks

logger = logging.getLogger("rq.worker")

REDIS_IS_AWAY = (RedisConnectionError, RedisTimeoutError)
ENDS_THE_WORK = (*REDIS_IS_AWAY, StopRequested)
"""Exceptions that no guard may catch. RQ raises StopRequested whenever a signal finds an idle worker."""

WAITS = {JobStatus.QUEUED.value.encode(), JobStatus.SCHEDULED.value.encode()}
"""Statuses of jobs that a list of their queue should hold."""

# A script, because a worker may register at any moment. A hash without birth and queues is no registration.
# If it has heartbeats and expires, it may belong to a plain worker whose hash was lost.
_REMOVE_GHOST = """
local worker = KEYS[1]
if redis.call('EXISTS', worker) == 0 or redis.call('HEXISTS', worker, 'birth') == 1
   or redis.call('HEXISTS', worker, 'queues') == 1 then return 0 end
if redis.call('HEXISTS', worker, 'last_heartbeat') == 1 and redis.call('TTL', worker) >= 0 then return 0 end
redis.call('DEL', worker)
for place = 2, #KEYS do redis.call('SREM', KEYS[place], worker) end
return 1
"""


def end_abandoned_jobs(queue: Queue, exception_handlers: Sequence[Handler]) -> None:
    """Make RQ fail or retry the jobs of `queue` whose worker died, second by second of their expiry.

    Jobs that RQ cannot read are failed here. The caller holds the queue's maintenance lock.

    Args:
        queue: the queue whose started jobs are checked.
        exception_handlers: the application's, guarded.
    """
    registry = StartedJobRegistry(
        name=queue.name,
        connection=queue.connection,
        job_class=with_guarded_callbacks(queue.job_class),
        serializer=queue.serializer,
    )
    registry.get_queue = lambda: queue  # type: ignore[method-assign]  # RQ's is of its own class
    for second, entries in _expired(registry):
        _give_up_unreadable(registry, entries)
        _mark_as_started(queue, entries)
        try:
            registry.cleanup(second, exception_handlers=list(exception_handlers))
        except ENDS_THE_WORK:
            raise
        except Exception:
            logger.exception("Queue %s: cannot clean up all jobs that lost their worker", queue.name)


def _expired(registry: StartedJobRegistry) -> Iterator[tuple[float, list[str]]]:
    found: Any = registry.connection.zrangebyscore(registry.key, 0, int(time.time()), withscores=True)
    for second, entries in itertools.groupby(found, lambda entry: float(entry[1])):
        yield second, [entry.decode() for entry, _ in entries]


def _give_up_unreadable(registry: StartedJobRegistry, entries: Sequence[str]) -> None:
    """Fail jobs with unreadable hashes, which would block RQ's maintenance of all others forever."""
    failed_key = FailedJobRegistry(name=registry.name, connection=registry.connection).key
    for entry in entries:
        job_id = entry.rpartition(":")[0]
        job = registry.job_class(job_id, connection=registry.connection, serializer=registry.serializer)
        try:
            job.refresh()  # type: ignore[no-untyped-call]
        except NoSuchJobError:
            continue
        except ENDS_THE_WORK:
            raise
        except Exception:
            logger.exception("Job %s: failed, because its worker died and its hash cannot be read", job_id)
            with registry.connection.pipeline() as pipeline:
                pipeline.zrem(registry.key, entry)
                pipeline.hset(job.key, "status", JobStatus.FAILED.value)
                pipeline.zadd(failed_key, {job_id: time.time() + DEFAULT_FAILURE_TTL})
                pipeline.execute()


def _mark_as_started(queue: Queue, entries: Sequence[str]) -> None:
    """Give jobs that wait in no list the status by which RQ 3 knows the jobs of dead workers.

    RQ 3 takes any other for one that has moved on, and drops the entry. But a worker may die before its work
    horse has written that status, or after it has written that of a retry that is not recorded yet.
    """
    connection: Any = queue.connection
    ids = [entry.rpartition(":")[0] for entry in entries]
    with connection.pipeline(transaction=False) as reads:
        for job_id in ids:
            reads.hget(queue.job_class.key_for(job_id), "status")
            reads.lpos(queue.key, job_id)
            reads.lpos(queue.intermediate_queue_key, job_id)
            reads.zscore(queue.scheduled_job_registry.key, job_id)
        found = iter(reads.execute(raise_on_error=False))
    for job_id, status, *places in zip(ids, found, found, found, found, strict=True):
        if status in WAITS and places == [None] * 3:
            connection.hset(queue.job_class.key_for(job_id), "status", JobStatus.STARTED.value)


def remove_ghosts(connection: Redis, queue_names: Sequence[str]) -> int:
    """Remove entries from the list of workers that belong to no worker; return their number.

    A hash without birth and without an end is left by a worker that wrote to it after Redis had lost it.
    """
    lists = [REDIS_WORKER_KEYS, *(WORKERS_BY_QUEUE_KEY % name for name in queue_names)]
    with connection.pipeline(transaction=False) as reads:
        for name in lists:
            reads.smembers(name)
        members = sorted(set().union(*reads.execute()))
        for member in members:
            reads.hexists(member, "birth")
        born = reads.execute(raise_on_error=False)
    suspects = [member for member, is_born in zip(members, born, strict=True) if is_born == 0]
    removed: list[Any] = [
        connection.eval(_REMOVE_GHOST, 1 + len(lists), member, *lists) for member in suspects
    ]
    return removed.count(1)

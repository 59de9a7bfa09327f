"""The queue class of the stack's own workers: jobs of dead workers are found soon, and put back only once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import LockError
from redis.lock import Lock
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, JobStatus

from rq_mon.calls.job_function import function_of
from rq_mon.catalogue import ON_ITS_WAY_KEY_PREFIX
from rq_mon.logs import LoggedJob, set_current_job

STUCK_SECONDS = 30
"""Seconds after which a worker is considered dead that took a job and has not started it."""

LOOK_SECONDS = 1 / 19
"""Seconds between two checks of an idle worker, for each of its queues. It sends at most 20 commands a
second, including heartbeats."""

WAITING = 0.5
"""Share of that time for which Redis blocks on the first queue; it may take 0.1 s longer."""

# Atomic, because workers keep taking, starting and retrying jobs. Returns 1 if the job was put back.
_PICK_UP = """
local intermediate, queue, job, started, seen = unpack(KEYS)
local id, now, stuck = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for _, execution in ipairs(redis.call('ZRANGE', started, 0, -1)) do
    if string.sub(execution, 1, #id + 1) == id .. ':' then return 0 end
end
local status, enqueued_at = unpack(redis.call('HMGET', job, 'status', 'enqueued_at'))
if status ~= 'queued' or redis.call('LPOS', queue, id) then
    redis.call('LREM', intermediate, 1, id)
    return 0
end
local seen_at = redis.call('HGET', seen, enqueued_at or '')
if not seen_at then
    redis.call('DEL', seen)
    redis.call('HSET', seen, enqueued_at or '', now)
    redis.call('EXPIRE', seen, 600)
elseif now - tonumber(seen_at) >= stuck then
    redis.call('LREM', intermediate, 1, id)
    redis.call('LPUSH', queue, id)
    redis.call('DEL', seen)
    return 1
end
return 0
"""


class HandOver(IntermediateQueue):
    """RQ's intermediate queue, cleaned without losing or duplicating jobs.

    RQ treats a job that has been on it for a minute as stuck, and fails or retries it. That is wrong for a
    job that has ended or waits for a retry, and is still listed because its worker was killed between
    recording its start and removing it here. A job that never started fails if it has no retries.
    """

    def cleanup(self, worker: Any, queue: Queue) -> None:
        """Put back jobs whose worker died before it started them; remove those that are elsewhere."""
        pick_up = self.connection.register_script(_PICK_UP)
        for job_id in self.get_job_ids():
            keys = [
                self.key,
                self.queue_key,
                Job.key_for(job_id),
                queue.started_job_registry.key,
                ON_ITS_WAY_KEY_PREFIX + job_id,
            ]
            if pick_up(keys=keys, args=[job_id, time.time(), STUCK_SECONDS]):
                worker.log.warning(
                    "put back job=%s queue=%s: it lost its worker before it was started",
                    job_id,
                    queue.name,
                )


class SupervisedQueue(Queue):
    """An `rq.Queue` whose maintenance soon continues when the worker that runs it dies."""

    maintenance_lease = 30.0
    """Seconds for which a worker that died during maintenance blocks that of others; RQ's are 15 minutes."""
    _maintenance_lock: Lock | None = None

    def acquire_maintenance_lock(self) -> bool:
        """Return whether this worker may clean the queue's registries now."""
        lock = Lock(
            self.connection, self.registry_cleaning_key, timeout=self.maintenance_lease, thread_local=False
        )
        self._maintenance_lock = lock if lock.acquire(blocking=False) else None
        return self._maintenance_lock is not None

    def keep_maintenance_lock(self) -> None:
        """Renew the lock: callbacks may take longer, and two cleaners would retry a job twice."""
        if self._maintenance_lock is not None:
            with suppress(LockError):
                self._maintenance_lock.reacquire()

    def release_maintenance_lock(self) -> None:
        """Release the lock, unless it has expired and another worker has it."""
        if self._maintenance_lock is not None:
            with suppress(LockError):
                self._maintenance_lock.release()
            self._maintenance_lock = None

    @property
    def intermediate_queue(self) -> HandOver:
        """The intermediate queue: jobs on their way to a worker."""
        return HandOver(self.key, connection=self.connection)

    def schedule_job(
        self, job: Job, datetime: datetime, pipeline: Pipeline | None = None, unique: bool = False
    ) -> Job:
        """Delay a job: with a pipeline, within its transaction.

        RQ 2 writes the delay at once, even if a transaction is to record it together with the end of an
        execution. If the worker is killed in between, the job runs again for each of the two.
        """
        if pipeline is None or unique:
            return super().schedule_job(job, datetime, pipeline, unique)
        pipeline.sadd(self.redis_queues_keys, self.key)
        self._persist_job(job, pipeline, status=JobStatus.SCHEDULED)
        pipeline.zadd(self.scheduled_job_registry.key, {job.id: int(datetime.timestamp())})
        return job

    @classmethod
    def dequeue_any(
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """Take a job and its queue. Log lines belong to this job until execute_job ends.

        With one queue, RQ moves a job to its intermediate queue. With several queues it pops the job, which
        is lost if the worker is killed right then. Here it is always moved.
        """
        names = list(queues)
        if len(names) == 1:
            taken: Any = super().dequeue_any(names, timeout, connection, *args, **kwargs)
        else:
            taken = cls._take_from_several(names, timeout, connection, *args, **kwargs)
        if taken is not None:
            job, queue = taken
            set_current_job(LoggedJob(job.id, queue.name, function_of(job)))
        return taken

    @classmethod
    def _take_from_several(
        cls, queues: list[Queue], timeout: int | None, connection: Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """Ask each queue in turn; between two rounds, wait for the first."""
        deadline = time.monotonic() + (timeout or 0)
        asked = queues
        while True:
            for queue in asked:
                taken: Any = super().dequeue_any([queue], None, connection, *args, **kwargs)
                if taken is not None:
                    return taken
            if timeout is None:
                return None
            begun = time.monotonic()
            if begun >= deadline:
                raise DequeueTimeout(timeout, [queue.key for queue in queues])
            pause = len(queues) * LOOK_SECONDS
            with suppress(DequeueTimeout):
                return super().dequeue_any(queues[:1], WAITING * pause, connection, *args, **kwargs)  # type: ignore[arg-type]
            asked = queues[1:]
            time.sleep(max(0.0, begun + pause - time.monotonic()))

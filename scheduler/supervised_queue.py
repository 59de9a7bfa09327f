"""The queue class of the stack's own workers: what dies with a worker is picked up soon, and only once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job

from rq_mon.calls.job_function import function_of
from rq_mon.catalogue import ON_ITS_WAY_KEY_PREFIX
from rq_mon.logs import CurrentJob, set_current_job

STUCK_SECONDS = 30
"""A job that has left its queue for so long, and that no worker has started, has lost its worker."""

LOOK_SECONDS = 1 / 19
"""Between two looks of an idle worker of several queues, for each of these: so it sends at most 20 commands a
second, its reports included."""

WAITING = 0.5
"""The share of that time for which Redis is told to wait for the first queue: it may take 0.1 s longer."""

# One step, because workers take, start and retry jobs all the while. Returns 1 if the job was put back.
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
    """RQ's list of jobs on their way from the queue to a worker, cleaned without losing or doubling any.

    RQ takes what has been on it for a minute for stuck, and fails it or tries it again: also a job that has
    long finished, or waits to be tried again, because its worker was killed between the record of its start
    and taking it off this list. And a job that was never started is failed if it has no retries.
    """

    def cleanup(self, worker: Any, queue: Queue) -> None:
        """Put back what has lost its worker before it was started; strike off what is elsewhere by now."""
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
                    "put back job=%s queue=%s: it had lost its worker before it was started",
                    job_id,
                    queue.name,
                )


class SupervisedQueue(Queue):
    """An `rq.Queue` whose maintenance is not held up for long by a worker that died doing it."""

    maintenance_lease = 30.0
    """Seconds for which a worker that dies while it cleans up keeps others from it; RQ's are 15 minutes."""
    _maintenance_lock: Lock | None = None

    def acquire_maintenance_lock(self) -> bool:
        """Return whether this worker may clean the queue's registries now."""
        lock = Lock(
            self.connection, self.registry_cleaning_key, timeout=self.maintenance_lease, thread_local=False
        )
        self._maintenance_lock = lock if lock.acquire(blocking=False) else None
        return self._maintenance_lock is not None

    def keep_maintenance_lock(self) -> None:
        """Begin the lease again: callbacks may take longer, and two cleaners would retry a job twice."""
        if self._maintenance_lock is not None:
            with suppress(LockError):
                self._maintenance_lock.reacquire()

    def release_maintenance_lock(self) -> None:
        """Let others clean, unless the lease has ended and another worker has the lock."""
        if self._maintenance_lock is not None:
            with suppress(LockError):
                self._maintenance_lock.release()
            self._maintenance_lock = None

    @property
    def intermediate_queue(self) -> HandOver:
        """The list of jobs on their way to a worker."""
        return HandOver(self.key, connection=self.connection)

    @classmethod
    def dequeue_any(
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """Take a job and its queue; what is logged from here on is about it, until execute_job has ended.

        RQ moves a job from one queue to its intermediate list, but from several it pops, and the job is gone
        with a worker that is killed just then. Here it is moved from each.
        """
        names = list(queues)
        if len(names) == 1:
            taken: Any = super().dequeue_any(names, timeout, connection, *args, **kwargs)
        else:
            taken = cls._take_from_several(names, timeout, connection, *args, **kwargs)
        if taken is not None:
            job, queue = taken
            set_current_job(CurrentJob(job.id, queue.name, function_of(job)))
        return taken

    @classmethod
    def _take_from_several(
        cls, queues: list[Queue], timeout: int | None, connection: Redis, *args: Any, **kwargs: Any
    ) -> Any:
        """Ask one after the other; between two rounds wait for the first."""
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

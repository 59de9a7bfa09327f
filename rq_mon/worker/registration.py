"""Keeps a worker's registration in Redis complete, even if Redis loses it.

RQ registers a worker once; its heartbeats only write `last_heartbeat`. After a flush, an expiry, an eviction
or a failover, that leaves a hash without queues and birth. Here each heartbeat registers the worker.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import redis
from redis.client import Pipeline
from rq.job import Job
from rq.queue import Queue
from rq.utils import now
from rq.worker import WorkerStatus
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from rq_mon.catalogue import WORKER_VERSION_FIELD
from rq_mon.worker.version import version_of_code

if TYPE_CHECKING:
    from rq.worker import BaseWorker
else:
    BaseWorker = object

SECONDS_BETWEEN_REGISTRATIONS = 1.0
SECONDS_BETWEEN_HEARTBEATS = 1.0
"""Of a worker, and of a job, while one short job follows another: RQ sends several within a millisecond."""


class StaysRegisteredMixin(BaseWorker):
    """A worker whose heartbeats restore its hash, its entries in RQ's sets, its state and its running job."""

    _registration: list[bytes] | None = None
    """Fields and values of the worker's hash; None while it is not registered."""
    _registered_at = -math.inf
    """When it was last registered; by `time.monotonic`, as the other times."""
    _has_run_jobs = False
    """Whether it has run jobs since."""
    _version = ""
    """Version of the worker's code, known from its registration on."""
    _may_name_job = False
    """Whether Redis may still have a job of this worker that has ended."""
    _ran_job_at = -math.inf
    """When its last job ended."""
    _heartbeat_at = -math.inf
    """When the last heartbeat since then was sent."""
    _heartbeat_lasts = 0
    """Seconds for which that keeps the worker."""
    _is_in_job = False
    _owes_state = False
    """Whether the worker must still report to Redis that it is idle."""
    _owes_heartbeat = False
    """Whether the heartbeat after a job waits for the next one, which RQ sends at once."""

    def register_birth(self) -> None:
        """Register, and remember the fields."""
        self._version = version_of_code(self.log)
        super().register_birth()  # type: ignore[no-untyped-call]
        self._keep_registration()

    def register_death(self) -> None:
        """Sign off; later heartbeats restore nothing."""
        self._registration = None
        super().register_death()  # type: ignore[no-untyped-call]

    def serialize(self) -> dict[str, Any]:
        """Return the fields of this worker's hash."""
        version = {WORKER_VERSION_FIELD: self._version} if self._version else {}
        return {**super().serialize(), **version}

    def _keep_registration(self) -> None:
        """Keep it encoded: redis-py takes twice as long to send text, and this is sent four times per job."""
        fields = {name: value for name, value in self.serialize().items() if name != "last_heartbeat"}
        self._registration = [str(part).encode() for field in fields.items() for part in field]
        self._registered_at = -math.inf

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job."""
        self._is_in_job = True
        try:
            super().execute_job(job, queue)
        finally:
            self._is_in_job = False
            self._has_run_jobs = True
            self._ran_job_at = time.monotonic()
            self._heartbeat_at = -math.inf  # the work horse has sent others

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Note when the job ended; the heartbeat of a job that has just begun is young enough."""
        moment = now()
        young = timedelta(seconds=SECONDS_BETWEEN_HEARTBEATS)
        if job.last_heartbeat is not None and moment - job.last_heartbeat < young:
            job.ended_at = moment
        else:
            super().handle_execution_ended(job, queue, heartbeat_ttl)

    def set_current_job_working_time(self, seconds: float, pipeline: Pipeline | None = None) -> None:
        """Write for how long the job has run, unless that is 0 already, as after every short job."""
        if pipeline is not None or seconds or self.current_job_working_time:
            super().set_current_job_working_time(seconds, pipeline)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send a heartbeat that registers again, in one round trip; RQ's heartbeat takes two."""
        lasts = timeout or self.worker_ttl + 60  # as RQ has it
        if pipeline is None and (self._owes_heartbeat or self._has_just_reported(lasts)):
            self._owes_heartbeat = False
            return
        self._send_heartbeat(timeout, pipeline)
        self._owes_state = self._owes_heartbeat = False
        self._heartbeat_at, self._heartbeat_lasts = time.monotonic(), lasts

    def _has_just_reported(self, lasts: int) -> bool:
        since = time.monotonic() - SECONDS_BETWEEN_HEARTBEATS
        return self._ran_job_at > since and self._heartbeat_at > since and self._heartbeat_lasts >= lasts

    def _send_heartbeat(self, timeout: int | None, pipeline: Pipeline | None) -> None:
        registers = not self.is_horse and self._is_time_to_register()
        if pipeline is not None:
            place = len(pipeline)
            super().heartbeat(timeout, pipeline)
            self._write_state_owed(pipeline)
            if registers:
                self._register_again(pipeline)
            elif self._owes_state:
                self._register_if_lost(pipeline, place)
            return
        with self.connection.pipeline(transaction=False) as batch:
            super().heartbeat(timeout, batch)
            self._write_state_owed(batch)
            rqs_own = len(batch)
            if registers:
                self._register_again(batch)
            answers = batch.execute(raise_on_error=False)
            self._raise_refusal(answers[:rqs_own])
            if answers[0] == 1 and not registers:  # the hash was lost
                self._register_again(batch)
                batch.execute(raise_on_error=False)

    def _write_state_owed(self, pipeline: Pipeline) -> None:
        if self._owes_state:
            super().set_state(self._state, pipeline)

    def _register_if_lost(self, pipeline: Pipeline, place: int) -> None:
        """Register after the transaction, if the heartbeat at that place in it created the hash."""
        execute = pipeline.execute

        def execute_and_look(*args: Any, **kwargs: Any) -> list[Any]:
            answers = execute(*args, **kwargs)
            if answers[place] == 1:
                with self.connection.pipeline(transaction=False) as batch:
                    self._register_again(batch)
                    batch.execute(raise_on_error=False)
            return answers

        pipeline.execute = execute_and_look  # type: ignore[method-assign]

    def _is_time_to_register(self) -> bool:
        """Return whether this heartbeat registers: always, except between jobs in quick succession."""
        moment = time.monotonic()
        if self._has_run_jobs and moment - self._registered_at < SECONDS_BETWEEN_REGISTRATIONS:
            return False
        self._has_run_jobs, self._registered_at = False, moment
        return True

    def _register_again(self, pipeline: Pipeline) -> None:
        if self._registration is None:
            return
        key = self.key.encode()
        state = str(getattr(self._state, "value", self._state)).encode()
        send: Any = pipeline.execute_command
        send(b"HSET", key, b"state", state, *self._registration)
        send(b"SADD", self.redis_workers_keys, key)
        for name in self.queue_names():
            send(b"SADD", WORKERS_BY_QUEUE_KEY % name, key)
        if state == b"busy":
            self._name_job_again(pipeline)

    def _name_job_again(self, pipeline: Pipeline) -> None:
        """Write the running job: RQ 2.12 has it in the worker's hash, RQ 3 in a set of the worker."""
        self._may_name_job = True
        if hasattr(self, "executions"):
            for execution in self.executions.values():
                pipeline.sadd(self._executions_key, execution.composite_key)
        elif self.execution is not None:
            pipeline.hset(self.key, "current_job", self.execution.job_id)

    @property
    def _executions_key(self) -> str:
        key: str = getattr(self, "executions_key")  # noqa: B009  (RQ 2.12 has none, and mypy reads that)
        return key

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Set the state; an idle worker has no job, however its last one ended.

        After a job, RQ writes that the worker is idle, sends a heartbeat, and asks whether workers are
        suspended, which sends another. Here that is one transaction.
        """
        if self._is_in_job and pipeline is None:
            self._state = state
            self._owes_state = self._owes_heartbeat = True
        else:
            super().set_state(state, pipeline)
        if self._may_name_job and pipeline is None and state == WorkerStatus.IDLE:
            self._may_name_job = False
            if hasattr(self, "executions"):
                self.connection.delete(self._executions_key)
            else:
                self.connection.hdel(self.key, "current_job")

    def _raise_refusal(self, answers: list[Any]) -> None:
        for answer in answers:
            if isinstance(answer, redis.RedisError):
                self.log.error("Worker %s: Redis refuses a command of RQ itself: %s", self.name, answer)
                raise answer

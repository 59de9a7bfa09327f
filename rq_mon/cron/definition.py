"""A cron job: the call, its schedule, and how both are stored in Redis."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from zoneinfo import ZoneInfo

from rq import Queue, Retry
from rq.job import Job
from rq.utils import resolve_function_reference

from rq_mon.calls.arguments import check_call_arguments, check_description, check_queue_name, check_timeout
from rq_mon.calls.functions import Function, function_path, function_reference
from rq_mon.calls.retries import retry_policy
from rq_mon.calls.serializers import PICKLE, Format
from rq_mon.cron.identity import check_id, derived_id
from rq_mon.cron.schedule import Schedule, Timestamp, check_schedule, read_schedule


class UnreadableDefinitionError(ValueError):
    """This version cannot read the stored definition of a cron job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """A call that is enqueued at each tick of a schedule."""

    id: str
    queue_name: str
    function: str
    schedule: Schedule
    call: bytes = field(repr=False)
    """Function and arguments as RQ serializes them, so a cron scheduler need not import them."""
    description: str
    timeout: int
    max_retries: int = 0
    retry_intervals: tuple[int, ...] = ()

    def job_id(self, tick: Timestamp) -> str:
        """Return the id of the job for a tick, which is unique to the tick."""
        return f"{self.id}-{tick}"

    def create_job_for(self, queue: Queue, tick: Timestamp) -> Job:
        """Return the job for a tick, not yet enqueued; its `meta` has the tick."""
        return self.create_job(queue, self.job_id(tick), {"tick": tick})

    def create_job(self, queue: Queue, job_id: str, meta: Mapping[str, Any]) -> Job:
        """Return a job with this id, not yet enqueued; its `meta` has the cron job."""
        job = queue.create_job(
            self.function,
            job_id=job_id,
            timeout=self.timeout,
            description=self.description,
            meta={"cron_job": self.id, **meta},
            retry=Retry(self.max_retries, self.retry_intervals) if self.max_retries else None,
        )
        job.data = self.call
        return job

    def to_json(self) -> str:
        """Return the definition as it is stored in Redis."""
        return json.dumps(
            {
                "function": self.function,
                "queue": self.queue_name,
                "schedule": self.schedule.expression,
                "timezone": self.schedule.timezone.key,
                "call": b64encode(self.call).decode(),
                "description": self.description,
                "timeout": self.timeout,
                "max_retries": self.max_retries,
                "retry_intervals": self.retry_intervals,
            }
        )

    @classmethod
    def from_json(cls, cron_job_id: str, text: str | bytes) -> Self:
        """Return the cron job from the text that `to_json` wrote.

        Raises:
            UnreadableDefinitionError: the text is something else; the message says what is wrong.
        """
        try:
            stored = json.loads(text)
            max_retries, retry_intervals = _retries(stored["max_retries"], stored["retry_intervals"])
            return cls(
                id=check_id(cron_job_id),
                queue_name=check_queue_name(_text(stored["queue"])),
                function=_text(stored["function"]),
                schedule=read_schedule(stored["schedule"], ZoneInfo(stored["timezone"])),
                call=b64decode(stored["call"], validate=True),
                description=_text(stored["description"]),
                timeout=check_timeout(stored["timeout"]),
                max_retries=max_retries,
                retry_intervals=retry_intervals,
            )
        except (LookupError, TypeError, ValueError, OverflowError, OSError, RecursionError) as error:
            raise UnreadableDefinitionError(f"{type(error).__name__}: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    value.encode()  # JSON can hold half a surrogate pair, Redis cannot
    return value


def _retries(max_retries: Any, intervals: Any) -> tuple[int, tuple[int, ...]]:
    if max_retries == 0 and intervals == []:
        return 0, ()
    policy = retry_policy(max_retries, retry_intervals=intervals)
    return (policy.max, tuple(policy.intervals)) if policy else (0, ())


def _serialized(format_: Format, reference: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return the call in the format of `rq.job.Job.data`."""
    instance, name = resolve_function_reference(reference)
    return format_.serializer.dumps((name, instance, args, kwargs))


def define(
    function: Function,
    cron: str,
    *,
    queue_name: str,
    timezone: ZoneInfo,
    now: float,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    argument_names: tuple[str, str] = ("args", "kwargs"),
    format_: Format = PICKLE,
    retry: Retry | None = None,
    timeout: float | str,
    description: str | None = None,
    cron_job_id: str | None = None,
) -> CronJob:
    """Return the cron job that calls `function` on the schedule `cron`.

    Raises:
        TypeError, ValueError: an argument is invalid; the message has its name, its value and what is
            expected.
    """
    reference: Any = function_reference(function, format_)
    name = function_path(reference)
    positional, named = check_call_arguments(args, kwargs, format_, argument_names)
    check_queue_name(queue_name)
    if cron_job_id is None:
        cron_job_id = derived_id(name, reference, queue_name, positional, named, argument_names)
    return CronJob(
        id=check_id(cron_job_id),
        queue_name=queue_name,
        function=name,
        schedule=check_schedule(cron, timezone, after=now),
        call=_serialized(format_, reference, positional, named),
        description=check_description(description) or name,
        timeout=check_timeout(timeout),
        max_retries=retry.max if retry else 0,
        retry_intervals=tuple(retry.intervals) if retry else (),
    )

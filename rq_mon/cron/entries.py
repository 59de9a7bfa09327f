"""The users' list of cron jobs, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rq_mon.calls.functions import Function
from rq_mon.calls.retries import RetryIntervals, retry_policy
from rq_mon.calls.serializers import FORMATS
from rq_mon.cron.definition import CronJob, define
from rq_mon.settings import Settings

DEFAULT_TIMEOUT_SECONDS = 180


class CronEntryError(ValueError):
    """An entry of the list of cron jobs is invalid; nothing was registered."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        """Number of the entry, counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronEntry:
    """One cron job on the list. The fields are the arguments of `job_scheduler`, and an id."""

    function: Function
    cron: str
    function_args: Sequence[Any] | None = None
    function_kwargs: Mapping[str, Any] | None = None
    max_retries: int | None = 3
    queue_name: str
    retry_backoff: bool | int = False
    retry_intervals: RetryIntervals = 0
    job_timeout: float | str = DEFAULT_TIMEOUT_SECONDS
    description: str | None = None
    id: str | None = None
    """Default: derived from function, queue and arguments, which must be literals then."""

    def define(self, settings: Settings, now: float) -> CronJob:
        """Return the cron job.

        Raises:
            TypeError, ValueError: a field is invalid.
        """
        return define(
            self.function,
            self.cron,
            queue_name=self.queue_name,
            timezone=settings.timezone,
            now=now,
            args=self.function_args,
            kwargs=self.function_kwargs,
            argument_names=("function_args", "function_kwargs"),
            format_=FORMATS[settings.serializer],
            retry=retry_policy(self.max_retries, self.retry_backoff, self.retry_intervals),
            timeout=self.job_timeout,
            description=self.description,
            cron_job_id=self.id,
        )


def define_all(entries: Sequence[CronEntry], settings: Settings, now: float) -> list[CronJob]:
    """Return the cron jobs of a list.

    Raises:
        CronEntryError: an entry is invalid, or two entries are the same cron job; the message says which.
    """
    defined: dict[str, tuple[int, CronJob]] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            cron_job = entry.define(settings, now)
        except (TypeError, ValueError) as error:
            name = getattr(entry.function, "__qualname__", repr(entry.function))
            raise CronEntryError(number, f"cron job number {number} of the list ({name}): {error}") from error
        if cron_job.id in defined:
            raise CronEntryError(
                number,
                f"cron jobs number {defined[cron_job.id][0]} and {number} of the list have the same id,"
                f" {cron_job.id!r}: same function, queue and arguments; give one of them its own id",
            )
        defined[cron_job.id] = number, cron_job
    return [cron_job for _, cron_job in defined.values()]

"""The entries of `cron_jobs.py`; the default queue is the short-running one."""

from __future__ import annotations

from dataclasses import dataclass

from rq_mon.cron import entries
from scheduler.queues import SHORT_RUNNING_QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class CronEntry(entries.CronEntry):
    """One cron job on the list. The fields are the arguments of `job_scheduler`, and an id."""

    queue_name: str = SHORT_RUNNING_QUEUE

"""Cron metrics: cron jobs, when they are due, and the results of their ticks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import numbers
from rq_mon.exporter.snapshot import Snapshot


def cron_families(snapshot: Snapshot) -> Iterator[Family]:
    """Yield the families of all cron jobs. Counts of ticks start at 0 with the registration."""
    cron = snapshot.cron
    jobs = cron.jobs.items()
    yield numbers(
        catalogue.CRON_JOB_INFO,
        (((job_id, job.queue, job.function, job.schedule), 1) for job_id, job in jobs),
    )
    yield numbers(catalogue.CRON_JOB_NEXT_TICK, (((job_id,), job.next_tick) for job_id, job in jobs))
    yield numbers(catalogue.CRON_JOB_LAST_TICK, (((job_id,), job.last_tick) for job_id, job in jobs))
    yield numbers(catalogue.CRON_JOB_PAUSED, (((job_id,), int(job.is_paused)) for job_id, job in jobs))
    zeros = dict.fromkeys(((job_id, result) for job_id in cron.jobs for result in catalogue.TICK_RESULTS), 0)
    yield numbers(catalogue.CRON_TICKS, (zeros | cron.ticks).items())
    live = cron.live_schedulers
    yield numbers(catalogue.CRON_SCHEDULERS, [((), None if live is None else len(live))])

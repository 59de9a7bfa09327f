"""Schedule RQ jobs: enqueue, delay or repeat them, and run workers."""

from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from scheduler.cron.entries import CronEntry
from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.job_scheduler import job_scheduler
from scheduler.job_scheduler_many import job_scheduler_many
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

__all__ = [
    "LONG_RUNNING_QUEUE",
    "SHORT_RUNNING_QUEUE",
    "CronEntry",
    "DataHubScheduler",
    "MonitoredSimpleWorker",
    "MonitoredWorker",
    "job_scheduler",
    "job_scheduler_many",
]

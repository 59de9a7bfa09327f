"""Schedule RQ jobs: enqueue, delay or repeat them, work them, and measure every one."""

from scheduler.datahub_scheduler import DataHubScheduler
from scheduler.job_scheduler import job_scheduler
from scheduler.monitored_worker import MonitoredSimpleWorker, MonitoredWorker
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

__version__ = "0.1.0"

__all__ = [
    "LONG_RUNNING_QUEUE",
    "SHORT_RUNNING_QUEUE",
    "DataHubScheduler",
    "MonitoredSimpleWorker",
    "MonitoredWorker",
    "job_scheduler",
]

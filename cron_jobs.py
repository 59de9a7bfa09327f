"""The application's cron jobs: edit this list. What leaves it is cancelled when a cron scheduler starts.

The fields of an entry are the arguments of `job_scheduler`. `id` is for two cron jobs of the same function,
queue and arguments, and for arguments that are no literals. Times are in the time zone SCHEDULER_TIMEZONE.
The list has a name, SCHEDULER_CRON_LIST: what is on a list of another name stays.
"""

from demo.jobs import build_report, prune_sessions, sync_catalogue
from scheduler import LONG_RUNNING_QUEUE
from scheduler.cron.entries import CronEntry
from scheduler.cron_constants import EVERY_FIVE_MINUTES, EVERY_MINUTE, EVERY_TEN_MINUTES
from scheduler.queue_health_check import queue_health_check

CRON_JOBS = [
    CronEntry(
        function=queue_health_check,
        cron=EVERY_TEN_MINUTES,
        description="Log how many jobs wait and have failed",
    ),
    # The rest shows what cron jobs look like on the dashboards. Replace them by your own.
    CronEntry(
        function=prune_sessions,
        cron=EVERY_MINUTE,
        description="Demo: delete sessions that have expired",
    ),
    CronEntry(
        function=sync_catalogue,
        cron="*/2 * * * *",
        max_retries=3,
        retry_backoff=True,
        description="Demo: fetch the catalogue from a service that is not always there",
    ),
    CronEntry(
        function=build_report,
        cron=EVERY_FIVE_MINUTES,
        queue_name=LONG_RUNNING_QUEUE,
        job_timeout=120,
        description="Demo: build the report of the last five minutes",
    ),
]

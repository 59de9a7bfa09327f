from cron_jobs import CRON_JOBS
from scheduler.cron.runner import run_cron_scheduler

run_cron_scheduler(CRON_JOBS)

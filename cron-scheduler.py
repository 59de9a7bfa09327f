from cron_jobs import CRON_JOBS
from rq_mon.cron.runner import run_cron_scheduler

run_cron_scheduler(CRON_JOBS)

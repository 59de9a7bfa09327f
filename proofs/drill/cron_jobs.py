"""The drill's cron_jobs.py: one cron job, with ticks frequent enough to miss one."""

from proofs.drill.jobs import succeed
from scheduler.cron.entries import CronEntry

EVERY_TEN_SECONDS = "* * * * * */10"

CRON_JOBS = [CronEntry(function=succeed, cron=EVERY_TEN_SECONDS, description="Drill: tick")]

"""The drill's own cron_jobs.py: one cron job, which ticks often enough to be missed."""

from proofs.drill.jobs import succeed
from scheduler.cron.entries import CronEntry

EVERY_TEN_SECONDS = "* * * * * */10"

CRON_JOBS = [CronEntry(function=succeed, cron=EVERY_TEN_SECONDS, description="Drill: tick")]

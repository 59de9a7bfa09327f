"""The cron scheduler of the run: `python -m fault_run.cron_scheduler`, as many of them as one likes."""

from __future__ import annotations

from fault_run.jobs import tick
from scheduler.cron.entries import CronEntry
from scheduler.cron.runner import run_cron_scheduler

SCHEDULES = {"each-second": "* * * * * *", "each-five-seconds": "* * * * * */5"}
"""By id. The sixth field is seconds."""

if __name__ == "__main__":
    run_cron_scheduler([CronEntry(id=name, function=tick, cron=cron) for name, cron in SCHEDULES.items()])

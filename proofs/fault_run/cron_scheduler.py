"""The cron scheduler of the run: `python -m proofs.fault_run.cron_scheduler`; any number of them may run."""

from __future__ import annotations

from proofs.fault_run.jobs import tick
from rq_mon.cron.runner import run_cron_scheduler
from scheduler.cron.entries import CronEntry

SCHEDULES = {"each-second": "* * * * * *", "each-five-seconds": "* * * * * */5"}
"""By id. The sixth field is seconds."""

if __name__ == "__main__":
    run_cron_scheduler([CronEntry(id=name, function=tick, cron=cron) for name, cron in SCHEDULES.items()])

"""The cron scheduler of the run: `python -m proofs.fault_run.cron_scheduler`; any number of them may run.

With the argument `before` or `after` it has an older list, and stops itself before or after registering it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from proofs.fault_run.jobs import tick
from rq_mon.cron import runner
from rq_mon.cron.lists import CronList, ListChange
from scheduler.cron.entries import CronEntry

LISTED = {"each-second": "* * * * * *", "each-five-seconds": "* * * * * */5"}
"""By id. The sixth field is seconds."""
AT_RUN_TIME = {"each-ten-seconds": "* * * * * */10"}
"""Registered by an application at run time; no list contains it."""
SCHEDULES = LISTED | AT_RUN_TIME
SECONDS = {"each-second": 1, "each-five-seconds": 5, "each-ten-seconds": 10}
"""Seconds between two ticks, by id."""
OLDER_ONLY = "only-on-the-older-list"
OLDER = {"each-second": LISTED["each-second"], OLDER_ONLY: "0 0 1 1 *"}


def entries(schedules: dict[str, str]) -> list[CronEntry]:
    """Return a list of cron jobs with these schedules."""
    return [CronEntry(id=name, function=tick, cron=cron) for name, cron in schedules.items()]


class FreezesOnce(CronList):
    """A list that freezes its process right before or after it is registered."""

    when = ""
    """`before` or `after` its registration; empty once that has happened."""

    def register(self, *args: Any) -> ListChange:
        """Register the list; stop the process before or after that."""
        when, FreezesOnce.when = FreezesOnce.when, ""
        if when == "before":
            os.kill(os.getpid(), signal.SIGSTOP)
        change = super().register(*args)
        if when == "after":
            os.kill(os.getpid(), signal.SIGSTOP)
        return change


if __name__ == "__main__":
    if sys.argv[1:]:
        FreezesOnce.when = sys.argv[1]
        vars(runner)["CronList"] = FreezesOnce
        runner.run_cron_scheduler(entries(OLDER))
    else:
        runner.run_cron_scheduler(entries(LISTED))

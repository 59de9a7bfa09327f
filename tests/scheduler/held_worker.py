"""The stack's worker, paused in its work horse: `held_worker.py MOMENT FOLDER`.

MOMENT is `prepare` (before it records the start) or `perform` (after that, before the function runs). It
creates the file `held` and continues once a file `go` exists.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from rq_mon.connection.client import connect
from rq_mon.logs import configure_logging
from rq_mon.settings import settings_of_process
from scheduler import SHORT_RUNNING_QUEUE
from scheduler.supervised_job import SupervisedJob
from scheduler.supervised_worker import SupervisedWorker

MOMENT, FOLDER = sys.argv[1], Path(sys.argv[2])


def hold(moment: str) -> None:
    if moment == MOMENT:
        (FOLDER / "held").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.05)


class HeldJob(SupervisedJob):
    def perform(self) -> Any:
        hold("perform")
        return super().perform()


class HeldWorker(SupervisedWorker):
    def prepare_job_execution(self, *args: Any, **kwargs: Any) -> None:
        hold("prepare")
        super().prepare_job_execution(*args, **kwargs)


if __name__ == "__main__":
    settings = settings_of_process()
    configure_logging(settings.log_level, settings.log_format)
    HeldWorker([SHORT_RUNNING_QUEUE], connection=connect(settings.redis_url), job_class=HeldJob).work()

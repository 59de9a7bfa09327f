"""A worker that is killed at a chosen moment."""

from __future__ import annotations

RQS_OWN, OURS = "rq.Worker", "scheduler.supervised_worker.SupervisedWorker"

WORK = """
import os, signal, sys
from rq.utils import import_attribute
from rq_mon.connection.client import connect

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

class Unlucky(import_attribute(sys.argv[1])):
    {method}

Unlucky(sys.argv[2].split(","), connection=connect(os.environ["RQ_REDIS_URL"])).work(max_jobs=1)
"""
"""For `python -c`, with the class to derive from and its queues; `method` is of that class."""

"""Callbacks and exception handlers of an application, with every kind of fault."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from rq.job import Job

ENDLESS = ("takes_too_long", "hangs")
"""Hooks that only a timeout ends."""


def leave_a_trace(connection: Redis, text: str) -> None:
    connection.rpush("trace", text)


def raises(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "raises")
    raise LookupError("the hook is broken")


def takes_too_long(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "takes_too_long")
    time.sleep(60)


def hangs(job: Job, *_: Any) -> None:
    """Catches the exception of RQ's timeout and goes on."""
    leave_a_trace(job.connection, "hangs")
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue


def exits(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "exits")
    os._exit(3)


def exits_with_success(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "exits_with_success")
    os._exit(0)


def ends_the_interpreter(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "ends_the_interpreter")
    sys.exit("good night")


async def never_awaited(job: Job, *_: Any) -> None:
    pass


def works(job: Job, *_: Any) -> None:
    leave_a_trace(job.connection, "works")


def stops_the_chain(job: Job, *_: Any) -> bool:
    leave_a_trace(job.connection, "stops_the_chain")
    return False


Hook = Callable[..., Any]
HERE = __name__

"""Jobs for each outcome that a job can have."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

from redis import Redis
from rq import Retry, get_current_job
from rq.job import Job


def succeed(*_: object) -> None:
    return


def succeed_again() -> None:
    return


def fail() -> None:
    raise ValueError("no")


def fail_with(exception: str) -> None:
    raise type(exception, (Exception,), {})()


def overrun() -> None:
    time.sleep(30)


def overrun_in_a_log_call() -> None:
    class IsSlow(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            time.sleep(2)
            return super().format(record)

    log = logging.Logger("one of the job's own")
    log.addHandler(logging.StreamHandler())
    log.handlers[0].setFormatter(IsSlow())
    log.warning("it takes two seconds to write this line")
    overrun()


def ask_for_retry(most: int) -> Retry:
    return Retry(max=most)


def ask_for_retry_once() -> Retry | None:
    return Retry(max=1) if _runs() == 1 else None


def fail_once() -> None:
    if _runs() == 1:
        raise ValueError("not yet")


def fail_otherwise_the_second_time() -> None:
    raise ValueError("first") if _runs() == 1 else KeyError("second")


class Thrower:
    """RQ pickles the instance together with a job that calls its method."""

    def __init__(self, weight: str) -> None:
        self.weight = weight

    def throw(self, *_: object) -> None:
        raise LookupError("thrown")


def kill_work_horse() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_work_horse_once() -> None:
    if _runs() == 1:
        kill_work_horse()


def wait_for_release() -> None:
    """Run until the test sets the key `release`."""
    connection = _connection()
    connection.set("pid", os.getpid())
    while not connection.exists("release"):
        time.sleep(0.02)


def fail_when_released() -> None:
    wait_for_release()
    fail()


def lose_the_worker(key: str) -> None:
    """Delete the hash of this job's worker; return once the worker has written it again."""
    connection = _connection()
    connection.delete(key)
    while not connection.hexists(key, "queues"):
        time.sleep(0.02)


def _runs() -> int:
    job = get_current_job()
    assert job is not None
    return int(_connection().incr(f"runs:{job.id}"))  # type: ignore[arg-type]


def _connection() -> Redis:
    job = get_current_job()
    assert job is not None
    return job.connection


def return_when_released() -> None:
    connection = _connection()
    while not connection.exists("release"):
        time.sleep(0.02)


def die_when_released() -> None:
    return_when_released()
    kill_work_horse()


def exit_work_horse() -> None:
    os._exit(3)


def fail_with_message(head: list[int], length: int) -> None:
    """Raise with a message of this length that repeats the characters of `head`, given as code points."""
    text = "".join(map(chr, head))
    raise ValueError((text * (length // len(text) + 1))[:length])


def fail_then_sleep() -> None:
    if _runs() == 1:
        raise ValueError("not yet")
    time.sleep(0.4)
    kill_work_horse()


def note_process(path: str) -> None:
    """Append the ids of this process and of its parent to a file."""
    with open(path, "a") as file:  # noqa: PTH123 - pathlib would be imported in each work horse
        file.write(f"{os.getpid()} {os.getppid()}\n")


def use_meta() -> str:
    job = get_current_job()
    assert job is not None
    return str(sorted(job.meta))


def change_meta() -> None:
    job = get_current_job()
    assert job is not None
    job.meta["seen"] = True
    job.save_meta()  # type: ignore[no-untyped-call]


def use_meta_in_callback(job: Job, connection: Redis, *_: object) -> None:
    connection.set("meta", str(sorted(job.meta)))


def select_another_database() -> None:
    """Do to the worker's connection what the next user of it would notice."""
    _connections_of_this_job().execute_command("SELECT", 1)


def select_in_a_thread() -> None:
    """Go on to do so while the work horse records the end of the job."""

    def go_on() -> None:
        while True:
            client.execute_command("SELECT", 1)

    client = _connections_of_this_job()
    threading.Thread(target=go_on, daemon=True).start()


def select_in_callback(_job: Job, connection: Redis, *_: object) -> None:
    connection.execute_command("SELECT", 1)  # type: ignore[no-untyped-call]


def fail_and_select() -> None:
    select_another_database()
    fail()


def _connections_of_this_job() -> Any:
    job = get_current_job()
    assert job is not None
    return job.connection

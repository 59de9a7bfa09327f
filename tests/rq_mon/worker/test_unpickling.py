"""What comes out of Redis as a pickle is loaded in the work horse of its job, and in no other process."""

from __future__ import annotations

import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.waiting import wait_until
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow(seconds=15)

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def note_process(path: str) -> str:
    """Add the number of this process to a file, and that of its parent."""
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()} {os.getppid()}\n")
    return path


class Noted:
    """An argument that tells where it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return note_process, (self.path,)


def do_nothing(*_: object) -> None:
    pass


def fail(*_: object) -> None:
    raise ValueError("as it should")


def test_arguments_of_any_protocol_are_loaded_in_the_work_horse(
    redis_client: Redis, rq: RQ, tmp_path: Path
) -> None:
    """Of a job that ends and of one that fails; also where the data is so large that its head is read."""
    client: Any = redis_client
    queue = Queue("mail", connection=redis_client)
    for protocol in PROTOCOLS:
        for function, padding in ((do_nothing, 0), (do_nothing, 100_000), (fail, 0)):
            job = queue.enqueue(function)
            name = f"{function.__module__}.{function.__name__}"
            arguments = (Noted(f"{tmp_path}/{protocol}"), os.urandom(padding).hex())
            data = pickle.dumps((name, None, arguments, {}), protocol)
            client.hset(job.key, "data", zlib.compress(data))
    finished, failed = queue.finished_job_registry, queue.failed_job_registry
    expected = (2 * len(PROTOCOLS), len(PROTOCOLS))

    with rq.start_worker("mail") as worker:
        wait_until(lambda: (finished.count, failed.count) == expected, "all jobs to end", within=240)

    for protocol in PROTOCOLS:
        lines = [line.split() for line in (tmp_path / str(protocol)).read_text().splitlines()]
        assert len(lines) >= 3, "each of its three jobs was run"
        assert {parent for _, parent in lines} == {str(worker.pid)}, "by a work horse of this worker"

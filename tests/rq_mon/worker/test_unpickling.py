"""Pickles from Redis are loaded in the work horse of their job, and in no other process."""

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
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.noted import PROTOCOLS, Noted, processes
from tests.rq_mon.worker.processes import RQ

pytestmark = pytest.mark.slow(seconds=15)

SUCCEED = f"{jobs.__name__}.succeed"


def test_arguments_are_loaded_in_the_work_horse_with_every_pickle_protocol(
    redis_client: Redis, rq: RQ, tmp_path: Path
) -> None:
    """Large data are included, of which the worker reads only the beginning."""
    client: Any = redis_client
    queue = Queue("mail", connection=redis_client)
    for protocol in PROTOCOLS:
        for padding in (0, 100_000):
            job = queue.enqueue(SUCCEED)
            arguments = (Noted(tmp_path / str(protocol)), os.urandom(padding).hex())
            data = pickle.dumps((SUCCEED, None, arguments, {}), protocol)
            client.hset(job.key, "data", zlib.compress(data))
    finished = queue.finished_job_registry

    with rq.start_worker("mail") as worker:
        wait_until(lambda: finished.count == 2 * len(PROTOCOLS), "all jobs to end", within=240)

    for protocol in PROTOCOLS:
        lines = processes(tmp_path / str(protocol))
        assert len(lines) >= 2, "each of its two jobs was run"
        assert {parent for _, parent in lines} == {str(worker.pid)}, "by a work horse of this worker"

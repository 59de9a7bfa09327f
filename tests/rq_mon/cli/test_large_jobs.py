"""A command stays small, however large arguments, results and messages are."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness import failed_jobs
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from tests.rq_mon.cli import jobs
from tests.rq_mon.worker.processes import FORKING, RQ

MEGABYTES = 3
MOST_RESIDENT = 64 * 1024
"""Kilobytes."""

# A process' peak memory; getrusage() would include that of its parent.
RQMON = """
import re, sys
from rq_mon.cli.main import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""

pytestmark = [
    pytest.mark.e2e(seconds=30),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc"),
]


@pytest.fixture
def large_jobs(redis_client: Redis, queue: Queue, work: Callable[..., None]) -> None:
    """Failed jobs with incompressible data, and large results."""
    for _ in range(15):
        queue.enqueue(failed_jobs.fail, random.randbytes(MEGABYTES << 20))
        queue.enqueue(jobs.fail_at_length, MEGABYTES << 20)
        queue.enqueue(jobs.succeed_at_length, MEGABYTES << 20)
    work()


def resident_kilobytes(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", RQMON, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode in (0, 1), done.stderr
    assert len(done.stdout) < 1_000_000
    found = re.search(r"(\d+)\s*\Z", done.stderr)
    assert found, done.stderr
    return int(found[1])


@pytest.mark.usefixtures("large_jobs")
def test_no_command_uses_more_than_64_megabytes(redis_client: Redis) -> None:
    of_each_state: list[Any] = [
        redis_client.zrange(f"rq:{state}:mail", 0, 1) for state in ("failed", "finished")
    ]
    commands = [
        *(("job", raw_id.decode(), "--arguments") for ids in of_each_state for raw_id in ids),
        ("failed",),
        ("failed", "--json"),
        ("failed", "--traceback"),
        ("failed", "--arguments"),
        ("jobs", "mail", "--state", "failed", "--limit", "100"),
        ("jobs", "mail", "--state", "finished", "--search", "nothing"),
        ("status",),
        ("health",),
        ("requeue", "--all", "--dry-run"),
        ("requeue", "--exception", "ValueError", "--yes"),
        ("purge", "mail", "finished", "--yes"),
        ("delete", "--all", "--yes"),
    ]
    resident = {" ".join(command): resident_kilobytes(*command) for command in commands}
    assert max(resident.values()) < MOST_RESIDENT, resident
    assert [len(ids) for ids in of_each_state] == [2, 2]
    assert redis_client.zcard("rq:failed:mail") == 0


def test_status_names_a_running_job_of_any_size(
    redis_server: RedisServer, redis_client: Redis, queue: Queue, tmp_path: Path
) -> None:
    job = queue.enqueue(jobs.sleep_until_exists, str(tmp_path / "end"), "x" * (8 * MEGABYTES << 20))
    with RQ(redis_server.url, tmp_path / "log").start_worker("mail", worker_class=FORKING):
        wait_until(lambda: job.get_status() == "started", "the job to start")
        assert resident_kilobytes("status", "--json") < MOST_RESIDENT

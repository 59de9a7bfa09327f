"""`rqmon` in this process and in a separate one, on a real Redis."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.job import Job

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.cli.main import main
from tests.rq_mon.cli import jobs
from tests.rq_mon.worker.processes import FORKING, RQ

COMMAND = [sys.executable, "-m", "rq_mon.cli"]


@dataclass(frozen=True)
class Result:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Rqmon = Callable[..., Result]


@pytest.fixture
def rqmon(redis_client: Redis, capsys: pytest.CaptureFixture[str]) -> Rqmon:
    """Run a command in this process, without a terminal."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def at_a_terminal(redis_client: Redis, project_root: Path) -> Rqmon:
    """Run a command in a process with a terminal that types `answer`."""

    def run(*arguments: str, answer: str) -> Result:
        ours, terminal = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=project_root,
            env={**os.environ, "COLUMNS": "200", "TERM": "xterm"},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
        )
        os.close(terminal)
        os.write(ours, answer.encode())
        out, _ = process.communicate(timeout=120)
        return Result(process.returncode, out, _read_all(ours))

    return run


def _read_all(terminal: int) -> str:
    read = b""
    try:
        while part := os.read(terminal, 65536):
            read += part
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return read.decode()


@pytest.fixture
def work(redis_client: Redis) -> Callable[..., None]:
    """Run the waiting jobs with a worker of RQ."""

    def run(*queues: str) -> None:
        names = queues or ("mail",)
        SimpleWorker(names, connection=redis_client).work(burst=True, logging_level="CRITICAL")

    return run


@pytest.fixture
def running_job_id(redis_server: RedisServer, queue: Queue, tmp_path: Path) -> Iterator[str]:
    """The id of a job that a worker process runs until the test ends."""
    job = queue.enqueue(jobs.sleep_until_exists, str(tmp_path / "never"))
    with RQ(redis_server.url, tmp_path / "rq.log").start_worker("mail", worker_class=FORKING):
        wait_until(
            lambda: (
                [worker.get_current_job_id() for worker in Worker.all(queue=queue)] == [job.id]
                and job.get_status() == "started"
            ),
            "the job to run",
        )
        yield job.id


def hold_back(client: Redis, queue: Queue) -> Job:
    """Return a job as RQ 3 stores one that a rate limit holds back."""
    job = queue.enqueue(jobs.succeed)
    client.lrem(queue.key, 0, job.id)
    client.hset(job.key, mapping={"status": "rate_limited", "rate_limit_key": "api"})
    client.sadd("rq:rl-keys", "api")
    client.zadd("rq:rl:api:rate_limited", {job.id: 1})
    return job

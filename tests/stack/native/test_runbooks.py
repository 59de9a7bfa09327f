"""Every command of every runbook works as pasted, on any port and with passwords, on a running stack."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.native_stack import NativeStack
from proofs.harness.waiting import wait_until
from rq_mon.connection.client import connect
from rq_mon.cron.definition import define
from rq_mon.cron.registry import CronRegistry
from rq_mon.jobs.stopping import stop
from stack.variables import STOP_GRACE
from tests.prometheus.runbook_commands import ASKS, commands, filled_in

pytestmark = [
    pytest.mark.e2e(seconds=5),
    pytest.mark.needs(
        "redis-server",
        "redis-cli",
        "prometheus",
        "promtool",
        "prometheus-alertmanager",
        "prometheus-redis-exporter",
    ),
]

QUEUE, NOT_WORKED = "short-running", "your-queue"
NOT_HERE = re.compile(r"^make test$")
"""Commands that would run these tests."""
GOES_ON = re.compile(r"^make (logs|demo)\b|\brq worker\b")
"""Commands that run until Ctrl-C, or for a minute."""
LATEST = re.compile(r"^make (stop|scale|start|restart)")
"""Commands that restart the stack come last."""


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """A stack with its own ports and passwords; a stop waits 10 s for the running job, not 190."""
    stack = NativeStack(project_root, tmp_path_factory.mktemp("runbooks"), **{STOP_GRACE.name: "10"})
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    yield stack
    stack.remove()


@pytest.fixture
def redis(stack: NativeStack) -> Iterator[Redis]:
    with connect(stack.redis_url()) as client:
        yield client


@pytest.fixture
def job_id(redis: Redis) -> Iterator[str]:
    """A running job; others have failed, wait, depend on another one, or come from cron."""
    client: Any = redis
    for queue in (QUEUE, NOT_WORKED):
        fail_jobs(redis, queue=queue, jobs=2)
    waiting = Queue(NOT_WORKED, connection=redis).enqueue("time.sleep", 0)
    Queue(QUEUE, connection=redis).enqueue("time.sleep", 0, depends_on=waiting)
    tick = define(
        "time.sleep",
        "0 0 * * *",
        queue_name=QUEUE,
        timezone=ZoneInfo("UTC"),
        now=time.time(),
        timeout=60,
        cron_job_id="nightly",
    )
    CronRegistry(redis).register(tick)
    running = Queue(QUEUE, connection=redis).enqueue("time.sleep", 300)
    wait_until(lambda: running.get_status() == "started", "the job to start")
    yield running.id
    client.delete(f"rq:queue:{NOT_WORKED}", "rq:suspended")
    # After a restart of Redis a worker listens again after two seconds.
    asked = wait_until(lambda: (result := stop(redis, running.id)) != "no-worker" and result, "its worker")
    if asked == "asked":
        wait_until(lambda: running.get_status() != "started", "the job to stop")
    # A command that requeues all failed jobs must not run it.
    with suppress(ValueError):  # from RQ, where the worker ends the execution just now
        running.delete()
    client.delete(running.key)


def run(stack: NativeStack, command: str, *, goes_on: bool) -> tuple[int, str]:
    """Run a command in a shell; one without an end is interrupted after its first output."""
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=stack.directory,
        env={name: text for name, text in stack.environment.items() if name != "RQ_REDIS_URL"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline() if goes_on else ""
    if goes_on:
        os.killpg(process.pid, signal.SIGINT)
    said += process.communicate(timeout=300)[0]
    return process.returncode, said


def in_order() -> list[str]:
    found = [command for command in commands() if not NOT_HERE.search(command)]
    return sorted(found, key=lambda command: bool(LATEST.search(command)))


@pytest.mark.parametrize("command", in_order())
def test_command_works_as_pasted(stack: NativeStack, job_id: str, command: str) -> None:
    goes_on = GOES_ON.search(command) is not None
    pasted = filled_in(command, JOB_ID=job_id, **{"your-queue": NOT_WORKED})
    code, said = run(stack, f"{pasted} --yes" if ASKS.match(pasted) else pasted, goes_on=goes_on)

    assert not re.search(r"NOPERM|NOAUTH|WRONGPASS|Connection refused|command not found", said), said
    if not goes_on:
        # `health` says that no worker listens to the queue that none works, which is so here.
        assert code == (1 if pasted == "./rqmon health" else 0), said
    assert said or pasted.endswith("|| true")


def test_the_job_is_stopped_as_the_page_says(stack: NativeStack, redis: Redis, job_id: str) -> None:
    assert run(stack, f"./rqmon stop {job_id} --yes", goes_on=False)[0] == 0
    wait_until(lambda: Job.fetch(job_id, connection=redis).get_status() == "stopped", "the job to stop")

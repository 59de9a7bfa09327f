"""A native stack whose services are frozen or restarted, in the order of this file."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from proofs.harness.native_stack import NativeStack
from rq_mon.connection.client import connect
from scheduler import job_scheduler
from stack.services import CRON_SCHEDULER, PROMETHEUS, REDIS, RQ_EXPORTER
from tests.harness import stack_jobs as jobs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
    pytest.mark.usefixtures("queues_of_the_stack"),
]

FROZEN = {REDIS.name, CRON_SCHEDULER.name, RQ_EXPORTER.name}
UNWORKED = "unworked"


def test_start_restarts_only_frozen_services(stack: NativeStack) -> None:
    job = job_scheduler(jobs.succeed, queue_name=UNWORKED)
    before = stack.numbers()
    for name in FROZEN:
        psutil.Process(before[name]).suspend()

    status = stack.make("status")
    asked = subprocess.run(
        [sys.executable, "-m", "stack", "redis-cli", "ping"],
        cwd=stack.directory,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert status.returncode != 0
    for name in FROZEN:
        assert f"frozen: a signal stopped process {before[name]}" in status.stdout
    assert asked.returncode == 1
    assert "Redis does not answer within 3 s" in asked.stderr
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    now = stack.numbers()
    assert {name for name, number in before.items() if now[name] != number} == FROZEN
    with connect(stack.redis_url()) as redis:
        assert redis.lrange(f"rq:queue:{UNWORKED}", 0, -1) == [job.id.encode()]


def test_restart_restarts_one_known_service(stack: NativeStack) -> None:
    before = stack.numbers()

    refused = stack.make("restart", SERVICE="grafanna")
    nothing = stack.make("restart")
    restarted = stack.make("restart", SERVICE=PROMETHEUS.name)

    assert refused.returncode != 0
    assert "SERVICE: expected one of redis, " in refused.stdout
    assert nothing.returncode != 0
    assert "got ''" in nothing.stdout
    assert restarted.returncode == 0, restarted.stdout
    now = stack.numbers()
    assert {name for name, number in before.items() if now[name] != number} == {PROMETHEUS.name}


def test_stop_ends_frozen_services_at_once(stack: NativeStack) -> None:
    """They have three minutes to end but need none: a frozen process is woken to handle the signal."""
    numbers = stack.numbers()
    for name in (CRON_SCHEDULER.name, "short-running-worker"):
        psutil.Process(numbers[name]).suspend()

    stopped = stack.make("stop-rq-mon")

    assert stopped.returncode == 0, stopped.stdout
    assert stack.processes() == []
    not_running = stack.make("restart", SERVICE=PROMETHEUS.name)
    assert not_running.returncode != 0
    assert "The stack is not running" in not_running.stdout

"""Who can log in to the Redis of a native stack: after an upgrade, with new passwords, from another machine.

In the order of this file.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.native_stack import NativeStack
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import JOBS_PROCESSED
from rq_mon.connection.client import connect
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from stack.services import REDIS, RQ_EXPORTER
from tests.harness import stack_jobs as jobs
from tests.harness.new_passwords import replace_passwords

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]

UNWORKED = "unworked"


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    yield copy
    copy.remove()


def schedule_in(url: str, queue: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RQ_REDIS_URL", url)
    return job_scheduler(jobs.succeed, queue_name=queue, max_retries=None).id


def status_of(url: str, job_id: str) -> JobStatus | None:
    with connect(url) as redis:
        return Job.fetch(job_id, connection=redis).get_status()


def wait_until_finished(url: str, job_id: str) -> None:
    wait_until(lambda: status_of(url, job_id) is JobStatus.FINISHED, "the job to finish", within=60)


def counted(stack: NativeStack) -> float:
    """The number of these tests' jobs that have ended, from the exporter."""
    with urlopen(f"{stack.url(RQ_EXPORTER)}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    ours = [each for each in lines if each.startswith(f"{JOBS_PROCESSED.name}{{") and "jobs.succeed" in each]
    return sum(float(line.split()[-1]) for line in ours)


def run_all(url: str, queue: str) -> None:
    """Run the queued jobs with a worker like the stack's, until they have ended."""
    rq = str(Path(sys.executable).with_name("rq"))
    worker = ("worker", "--burst", "--worker-class", "rq_mon.MonitoredWorker", "--url", url, queue)
    subprocess.run([rq, *worker], env=dict(os.environ), capture_output=True, check=True, timeout=120)


def test_jobs_and_counters_of_a_redis_without_users_survive_the_upgrade(
    stack: NativeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = stack.state / REDIS.name
    data.mkdir(parents=True)
    with RedisServer(data, "--appendonly", "yes", "--appendfsync", "always") as earlier:
        finished = [schedule_in(earlier.url, SHORT_RUNNING_QUEUE, monkeypatch) for _ in range(3)]
        run_all(earlier.url, SHORT_RUNNING_QUEUE)
        waiting = schedule_in(earlier.url, UNWORKED, monkeypatch)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    url = stack.redis_url()
    assert [status_of(url, job) for job in finished] == [JobStatus.FINISHED] * 3
    assert status_of(url, waiting) is JobStatus.QUEUED
    with connect(url) as redis:
        assert Queue(UNWORKED, connection=redis).get_job_ids() == [waiting]
    assert counted(stack) == 3


def test_removed_passwords_are_replaced_and_the_old_ones_are_refused(
    stack: NativeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = schedule_in(stack.redis_url(), UNWORKED, monkeypatch)
    assert stack.make("stop-rq-mon").returncode == 0

    replace_passwords(stack)

    assert status_of(stack.redis_url(), waiting) is JobStatus.QUEUED
    wait_until_finished(stack.redis_url(), schedule_in(stack.redis_url(), SHORT_RUNNING_QUEUE, monkeypatch))


@pytest.fixture
def outside() -> str:
    """An address at which other machines reach this one or, if there is none, a second local address."""
    addresses = [
        each.address
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    ]
    return addresses[0] if addresses else "127.0.0.2"


def test_redis_is_opened_on_request_to_clients_with_a_password(
    stack: NativeStack, outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = stack.settings.port(REDIS)

    started = stack.make("start-rq-mon", REDIS_BIND_ADDRESS=outside)

    assert started.returncode == 0, started.stdout
    assert f"redis is open to other machines (REDIS_BIND_ADDRESS={outside})" in started.stdout
    addresses = stack.listeners()
    assert addresses.pop(port) == {outside}
    assert set.union(*addresses.values()) == {"127.0.0.1"}
    with Redis(host=outside, port=port, retry=None) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    url = stack.redis_url().replace("127.0.0.1", outside)
    wait_until_finished(url, schedule_in(url, SHORT_RUNNING_QUEUE, monkeypatch))


def test_redis_is_closed_again_without_the_request(stack: NativeStack) -> None:
    assert stack.make("start-rq-mon").returncode == 0

    assert set.union(*stack.listeners().values()) == {"127.0.0.1"}


def test_the_viewer_is_not_opened_because_it_has_no_login(stack: NativeStack) -> None:
    before = stack.numbers()

    refused = stack.make("start-rq-mon", GRAFANA_BIND_ADDRESS="0.0.0.0")

    said = " ".join(refused.stdout.split())
    assert refused.returncode != 0
    assert "GRAFANA_BIND_ADDRESS: expected 127.0.0.1, got '0.0.0.0': viewer" in said
    assert "is for this machine only; for access from others, put a proxy with a login in front of it" in said
    assert stack.numbers() == before

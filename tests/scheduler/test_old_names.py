"""Scripts, lists and deployments from version 0.1 keep working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import running
from tests.harness.processes import Start

pytestmark = pytest.mark.slow

OLD_CRON_JOBS = Path(__file__).with_name("old_cron_jobs.txt")

OLD_IMPORTS = """\
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE, DataHubScheduler, job_scheduler
from scheduler import CronEntry, MonitoredSimpleWorker, MonitoredWorker
from scheduler.cron.entries import CronEntry as FromItsModule
from scheduler.job_scheduler import retry_backoff_intervals
from scheduler.worker_process import run_worker
from scheduler.queue_health_check import queue_health_check
from scheduler.queues import *
from scheduler.cron_constants import EVERY_MINUTE
assert CronEntry is FromItsModule
"""


def run(*command: str, url: str, root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RQ_REDIS_URL": url}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)


def test_old_imports_work(project_root: Path) -> None:
    assert run(sys.executable, "-c", OLD_IMPORTS, url="redis://127.0.0.1:1", root=project_root).stderr == ""


def test_the_old_list_of_cron_jobs_is_registered(
    redis_client: Redis, redis_server: RedisServer, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "cron_jobs.py").write_text(OLD_CRON_JOBS.read_text())
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from cron_jobs import CRON_JOBS;"
        " from rq_mon.cron.runner import run_cron_scheduler; run_cron_scheduler(CRON_JOBS)"
    )

    process = start("-c", script)

    process.wait_for_log("registered cron_job=build_report")
    assert process.output.count("registered cron_job=") == 4


def test_the_old_health_checks_work(
    redis_client: Redis, redis_server: RedisServer, project_root: Path
) -> None:
    check = (sys.executable, "-m", "scheduler.health")

    result = run(*check, "worker", "mail", url=redis_server.url, root=project_root)

    assert (result.returncode, result.stdout) == (1, "unhealthy: 0 live workers that listen to mail\n")


def test_the_old_command_line_works(
    redis_client: Redis, redis_server: RedisServer, project_root: Path
) -> None:
    Queue("mail", connection=redis_client).enqueue("os.getpid")

    result = run(
        sys.executable, "-m", "scheduler.cli", "status", "--json", url=redis_server.url, root=project_root
    )

    assert [queue["name"] for queue in json.loads(result.stdout)["queues"]] == ["mail"]


@pytest.mark.skipif(find_spec("prometheus_client") is None, reason="the exporter needs RQ 2")
def test_the_old_exporter_serves(
    redis_client: Redis, redis_server: RedisServer, tmp_path: Path, project_root: Path
) -> None:
    port = free_port()
    variables = {"RQ_REDIS_URL": redis_server.url, "RQ_EXPORTER_PORT": str(port)}
    command = [sys.executable, "-m", "scheduler.exporter"]

    with running("exporter", tmp_path, port, command, "/healthz", variables, project_root) as server:
        assert "\nrq_redis_up 1.0\n" in server.text("/metrics")


@pytest.mark.parametrize("name", ["MonitoredWorker", "MonitoredSimpleWorker"])
def test_the_old_worker_class_counts(
    name: str, redis_client: Redis, redis_server: RedisServer, project_root: Path
) -> None:
    job = Queue("mail", connection=redis_client).enqueue("os.getpid")
    worker = (sys.executable, "-m", "rq.cli", "worker", "--burst", "--url", redis_server.url)

    run(*worker, "--worker-class", f"scheduler.{name}", "mail", url=redis_server.url, root=project_root)

    assert job.get_status().value == "finished"
    assert redis_client.smembers("rq:monitor:functions:mail") == {b"os.getpid"}

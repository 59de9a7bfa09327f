from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from rq import Queue
from rq.job import Job

from demo import jobs
from demo.__main__ import main
from demo.load import KINDS, arrivals
from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from scheduler import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE, DataHubScheduler

DEMO = [sys.executable, "-m", "demo"]


def run(project_root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *arguments], cwd=project_root, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_enqueues_jobs_of_every_kind_and_prints_their_number(redis_client: Any, project_root: Path) -> None:
    before = time.time()

    demo = run(project_root, "--seconds", "2", "--dashboard", "http://grafana.example/d/rq-overview")

    assert (demo.returncode, demo.stderr) == (0, "")
    stored = len(redis_client.keys("rq:job:*"))
    assert stored > len(KINDS)
    assert f"{stored} jobs enqueued" in demo.stdout
    for kind in KINDS:
        assert kind.name in demo.stdout
    for queue in (SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE):
        assert Queue(queue, connection=redis_client).count > 0
    assert Queue(SHORT_RUNNING_QUEUE, connection=redis_client).scheduled_job_registry.count > 0
    address, _, range_ = demo.stdout.splitlines()[-1].partition("?")
    assert address == "See them: http://grafana.example/d/rq-overview"
    start, end = (int(value) / 1000 for _, value in parse_qsl(range_))
    assert start < before < before + 2 < end


def test_jobs_fail_with_several_exceptions_and_some_only_at_first(redis_client: Any) -> None:
    random.seed(1)
    with DataHubScheduler("burst-no-fork") as scheduler:
        for _ in range(8):
            scheduler.enqueue("queue", jobs.parse_upload, 1)
        flaky = scheduler.enqueue("queue", jobs.sync_catalogue)
        scheduler.work("queue")
        failed = scheduler.get_queue("queue").failed_job_registry
        exceptions = {exception_of(scheduler.job(job_id)) for job_id in failed.get_job_ids()}

        failed.requeue(flaky.id)
        scheduler.work("queue")

    assert exceptions == {"ValueError", "KeyError", "TimeoutError"}
    assert flaky.return_value() == "in sync"


def exception_of(job: Job) -> str:
    result = job.latest_result()
    assert result is not None
    return str(result.exc_string).strip().splitlines()[-1].partition(":")[0]


def test_every_kind_of_job_arrives_at_least_once() -> None:
    came = list(arrivals(seconds=60))

    assert {kind.name for _, kind in came} == {kind.name for kind in KINDS}
    assert [time for time, _ in came] == sorted(time for time, _ in came)
    assert all(0 <= time < 60 for time, _ in came)


@pytest.mark.parametrize("seconds", ["0", "-5", "nan", "inf", "soon", ""])
def test_an_invalid_time_is_refused_by_value(
    redis_client: Any, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"--seconds={seconds}"])

    assert f"expected a number of seconds above 0, got {seconds!r}" in capsys.readouterr().err
    assert redis_client.keys("*") == []


@pytest.mark.slow
def test_without_redis_the_demo_prints_how_to_start_it(project_root: Path) -> None:
    demo = run(project_root, RQ_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert demo.returncode == 1
    assert "`make start-rq-mon` starts it" in demo.stderr
    assert "Traceback" not in demo.stderr


def test_ctrl_c_ends_the_demo_with_a_summary(redis_client: Any, project_root: Path) -> None:
    demo = subprocess.Popen(DEMO, cwd=project_root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: redis_client.keys("rq:job:*"), "the first job")

    demo.send_signal(signal.SIGINT)

    stdout, stderr = demo.communicate(timeout=60)
    assert (demo.returncode, stderr) == (0, "")
    assert "stopped early" in stdout
    assert "jobs enqueued" in stdout

"""Running jobs that are stopped, and cron jobs that are paused, resumed and run."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from rq_mon.cron.definition import CronJob, define
from rq_mon.cron.registry import CronRegistry
from tests.harness.processes import Process, Start
from tests.harness.web import Operator
from tests.rq_mon.web.jobs import wait


@pytest.fixture
def running(redis_client: Redis, start: Start) -> Iterator[Job]:
    """A running job of at most a minute."""
    job = Queue("mail", connection=redis_client).enqueue(wait, 60, job_timeout=120)
    worker = start_worker(start)
    wait_until(lambda: job.get_status() == "started", "the job to start")
    yield job
    worker.kill()


def start_worker(start: Start) -> Process:
    return start(
        "-m", "rq.cli", "worker", "mail", "--worker-class", "rq_mon.worker.monitored_worker.MonitoredWorker"
    )


@pytest.mark.slow
def test_a_running_job_is_stopped_after_confirmation(
    operator: Operator, running: Job, redis_client: Redis, web: Server
) -> None:
    page = operator.get("/running")
    question = operator.press(page, "/running/stop/confirm")

    assert "tests.rq_mon.web.jobs.wait" in page
    assert '<progress max="120.0"' in page
    assert "Stop this job?" in question
    assert running.id in question
    assert running.get_status() == "started"

    assert "1 job" in operator.press(question, "/running/stop")
    wait_until(lambda: running.get_status() == "stopped", "the job to be stopped")
    assert f"rq-mon from 127.0.0.1: stop: 1 job '{running.id}'" in web.log
    assert redis_client.hgetall("rq:monitor:changes") == {b"stop": b"1"}
    assert "This job is not running" in operator.press(question, "/running/stop", expected=404)


@pytest.fixture
def cron_job(redis_client: Redis) -> CronJob:
    cron_job = define(
        "tests.rq_mon.web.jobs.refund",
        "*/5 * * * *",
        queue_name="mail",
        timezone=ZoneInfo("UTC"),
        now=0,
        args=(2,),
        timeout=60,
    )
    CronRegistry(redis_client).register(cron_job)
    return cron_job


def test_a_cron_job_is_paused_and_resumed(
    operator: Operator, cron_job: CronJob, redis_client: Redis, web: Server
) -> None:
    question = operator.press(operator.get("/cron"), "/cron/pause/confirm")
    assert "Pause this cron job?" in question
    assert redis_client.hlen("rq:monitor:cron:paused") == 0

    assert "1 cron job is paused" in operator.press(question, "/cron/pause")
    assert redis_client.hlen("rq:monitor:cron:paused") == 1
    assert "Nothing to change" in operator.press(question, "/cron/pause")

    question = operator.press(operator.get("/cron"), "/cron/resume/confirm")
    assert "1 cron job is resumed" in operator.press(question, "/cron/resume")
    assert redis_client.hlen("rq:monitor:cron:paused") == 0
    assert f"rq-mon from 127.0.0.1: cron_resume: 1 cron job '{cron_job.id}'" in web.log


def test_a_cron_job_can_be_run_now(operator: Operator, cron_job: CronJob, redis_client: Redis) -> None:
    question = operator.press(operator.get("/cron"), "/cron/run/confirm")
    queue = Queue("mail", connection=redis_client)
    assert queue.count == 0

    page = operator.press(question, "/cron/run")

    assert queue.count == 1
    assert queue.job_ids[0] in page


def test_a_change_of_a_missing_cron_job_is_refused(
    operator: Operator, cron_job: CronJob, redis_client: Redis
) -> None:
    question = operator.press(operator.get("/cron"), "/cron/run/confirm")
    CronRegistry(redis_client).cancel(cron_job.id)

    assert "No cron job with this id" in operator.press(question, "/cron/run", expected=404)

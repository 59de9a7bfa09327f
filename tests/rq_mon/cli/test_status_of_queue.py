"""`rqmon status QUEUE` shows one queue, and `rqmon health` names jobs that exceed their objective."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker

from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon
from tests.rq_mon.cron.cron import cron_job, register_list


@pytest.fixture
def running(redis_client: Redis) -> str:
    """The id of a job of `mail` that has run since the beginning of the year."""
    for queue in ("mail", "reports"):
        worker = Worker([queue], connection=redis_client, name=f"of-{queue}")
        worker.register_birth()  # type: ignore[no-untyped-call]
        job = Queue(queue, connection=redis_client).enqueue(jobs.succeed)
        worker.prepare_execution(job)
        worker.prepare_job_execution(job)
        if queue == "mail":
            redis_client.hset(job.key, "started_at", "2026-01-01T00:00:00.000000Z")
            found = job.id
    return found


def test_status_of_a_queue_leaves_out_the_others(rqmon: Rqmon, redis_client: Redis, running: str) -> None:
    register_list(redis_client, cron_job(cron_job_id="nightly"))
    every, one = rqmon("status", "--json").json, rqmon("status", "reports", "--json").json
    assert [queue["name"] for queue in every["queues"]] == ["mail", "reports"]
    assert [queue["name"] for queue in one["queues"]] == ["reports"]
    assert [worker["name"] for worker in one["workers"]] == ["of-reports"]
    assert [job["queue"] for job in one["cron_jobs"]] in ([], ["reports"])
    assert len(every["cron_jobs"]) == 1
    assert rqmon("status", "nail").code == 1


def test_health_names_the_job_and_its_worker(
    rqmon: Rqmon, running: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = [each for each in rqmon("health", "--json").json["problems"] if "objective" in each]
    assert found.startswith("mail: tests.rq_mon.cli.jobs.succeed has run for ")
    assert found.endswith(f", run objective 30m: {running} of of-mail")

    (tmp_path / "objectives.yml").write_text("queues: {mail: {run_seconds: soon}}")
    broken = rqmon("health")
    assert broken.code == 2
    assert "queues.mail.run_seconds: got 'soon', expected one of the buckets" in broken.err

"""`rqmon job`, `jobs` and `stop`: single jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from proofs.harness.failed_jobs import FAIL, fail_jobs
from proofs.harness.waiting import wait_until
from tests.rq_mon.calls.test_stored_values import Evil
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon


def test_job_shows_the_stored_job(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    (job_id,) = fail_jobs(redis_client)
    result = rqmon("job", job_id)
    assert result.code == 0
    for text in (job_id, FAIL, "failed", "ValueError: no such order", "Traceback (most recent call last):"):
        assert text in result.out
    as_json = rqmon("job", job_id, "--json").json
    assert (as_json["exception"], as_json["queue"], as_json["arguments"]) == ("ValueError", "mail", None)
    assert as_json["created_at"].endswith("+00:00")


def test_job_shows_arguments_only_on_request_and_runs_no_code(
    rqmon: Rqmon, queue: Queue, tmp_path: Path
) -> None:
    job = queue.enqueue(jobs.succeed, "hunter2", Evil(tmp_path / "ran"), description="login")
    assert "hunter2" not in rqmon("job", job.id).out
    assert "'hunter2'" in rqmon("job", job.id, "--arguments").out
    assert "hunter2" in rqmon("job", job.id, "--arguments", "--json").json["arguments"]
    assert not (tmp_path / "ran").exists()


def test_job_shows_hostile_text_as_text(rqmon: Rqmon, queue: Queue, work: Callable[..., None]) -> None:
    job = queue.enqueue(jobs.fail_hostile, description="\x1b[31mred")
    work()
    for options in ((), ("--arguments",)):
        out = rqmon("job", job.id, *options).out
        assert "\x1b" not in out
        assert "[bold red]markup[/]" in out


@pytest.mark.parametrize("command", [("job",), ("stop",), ("stop", "--yes"), ("stop", "--dry-run")])
def test_a_missing_job_is_an_error(rqmon: Rqmon, command: tuple[str, ...]) -> None:
    result = rqmon(*command, "no-such-job")
    assert result.code == 1
    assert "JOB_ID: expected the id of a job in this Redis, got 'no-such-job'" in result.err


def test_jobs_of_a_state_are_listed_and_searched(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    fail_jobs(redis_client, jobs=30)
    odd = fail_jobs(redis_client, function="no.such.function", jobs=2)
    waiting = [queue.enqueue(jobs.succeed, description=f"order {number}").id for number in range(3)]

    assert [job["id"] for job in rqmon("jobs", "mail", "--json").json] == waiting[::-1]
    assert [job["id"] for job in rqmon("jobs", "mail", "--oldest-first", "--json").json] == waiting
    assert [job["id"] for job in rqmon("jobs", "mail", "--search", "ORDER 1", "--json").json] == [waiting[1]]
    assert len(rqmon("jobs", "mail", "--state", "failed", "--json").json) == 20
    assert len(rqmon("jobs", "mail", "--state", "failed", "--limit", "99", "--json").json) == 32
    found = rqmon("jobs", "mail", "--state", "failed", "--function", "such.function", "--json").json
    assert {job["id"] for job in found} == {*odd}
    assert len(rqmon("jobs", "mail", "--state", "failed", "--exception", "ValueError", "--json").json) == 20
    assert "Failed jobs of mail: 20 of 32 jobs" in rqmon("jobs", "mail", "--state", "failed").out


def test_jobs_exits_with_1_without_jobs_and_refuses_unknown_queues_and_states(
    rqmon: Rqmon, redis_client: Redis, queue: Queue
) -> None:
    queue.enqueue(jobs.succeed)
    assert rqmon("jobs", "mail", "--state", "failed").code == 1
    unknown = rqmon("jobs", "nail")
    assert unknown.code == 1
    assert "expected one that RQ knows (mail), got 'nail'" in unknown.err
    state = rqmon("jobs", "mail", "--state", "done")
    assert state.code == 2
    assert "'done' is not one of 'queued'" in state.err


@pytest.mark.slow
def test_stop_ends_a_running_job_and_counts_it(
    rqmon: Rqmon, redis_client: Redis, running_job_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    dry = rqmon("stop", running_job_id, "--dry-run")
    assert "Nothing was changed" in dry.out
    unasked = rqmon("stop", running_job_id)
    assert unasked.code == 2
    assert redis_client.hgetall("rq:monitor:changes") == {}

    done = rqmon("stop", running_job_id, "--yes")
    assert (done.code, done.out.startswith("asked ")) == (0, True)
    assert f"stop: 1 running job of mail: {running_job_id}" in caplog.text
    job = Job(running_job_id, connection=redis_client)
    wait_until(lambda: job.get_status() == "stopped", "the job to stop")
    assert redis_client.hgetall("rq:monitor:changes") == {b"stop": b"1"}

    again = rqmon("stop", running_job_id, "--yes")
    assert again.code == 1
    assert "expected a running job" in again.err


def test_stop_reports_that_the_worker_is_gone(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.succeed)
    redis_client.hset(job.key, mapping={"status": "started", "worker_name": "gone"})
    result = rqmon("stop", job.id, "--yes")
    assert result.code == 1
    assert "its worker does not answer" in result.out
    assert rqmon("stop", job.id, "--yes", "--json").json["result"] == "no-worker"
    assert redis_client.hgetall("rq:monitor:changes") == {}

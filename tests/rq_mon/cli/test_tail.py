"""`rqmon tail`: a line for each job that ends, from read-only commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.state.ended_jobs import JOBS_PER_LOOK, EndedJobs
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import COMMAND
from tests.rq_mon.cli.test_many_jobs import commands_during
from tests.rq_mon.worker.processes import FORKING, RQ

MOST_COMMANDS = 5


@pytest.fixture
def ended(redis_client: Redis) -> EndedJobs:
    """A tail that has looked once at the queues `mail` and `reports`."""
    found = EndedJobs(redis_client, ["mail", "reports"])
    found.look()
    return found


def test_each_end_is_reported_once(ended: EndedJobs, queue: Queue, work: Callable[..., None]) -> None:
    good, bad = queue.enqueue(jobs.succeed), queue.enqueue(jobs.fail_otherwise)
    reports = Queue("reports", connection=queue.connection).enqueue(jobs.succeed)
    work("mail", "reports")
    found = {job.id: job for job in ended.look()}
    assert {*found} == {good.id, bad.id, reports.id}
    assert (found[good.id].status, found[good.id].exception) == ("finished", "")
    assert (found[bad.id].status, found[bad.id].exception) == ("failed", "KeyError")
    assert found[bad.id].function == "tests.rq_mon.cli.jobs.fail_otherwise"
    assert found[reports.id].queue == "reports"
    assert ended.look() == []


def test_a_job_that_fails_again_is_reported_again(
    ended: EndedJobs, queue: Queue, work: Callable[..., None]
) -> None:
    job = queue.enqueue(jobs.fail_otherwise)
    for _ in range(2):
        work()
        assert [each.id for each in ended.look()] == [job.id]
        job.requeue()
        assert ended.look() == []


def test_jobs_that_ended_before_the_start_are_not_shown(
    queue: Queue, redis_client: Redis, work: Callable[..., None]
) -> None:
    old = queue.enqueue(jobs.succeed)
    work()
    ended = EndedJobs(redis_client, ["mail"])
    assert ended.look() == ended.look() == []
    redis_client.zadd("rq:finished:mail", {"another": 1})
    assert ended.look() == []
    assert old.get_status() == "finished"


@pytest.mark.slow
def test_the_end_of_a_job_that_is_kept_forever_is_reported_if_it_was_seen_running(
    ended: EndedJobs, queue: Queue, redis_server: RedisServer, tmp_path: Path
) -> None:
    job = queue.enqueue(jobs.sleep_until_exists, str(tmp_path / "end"), result_ttl=-1)
    with RQ(redis_server.url, tmp_path / "log").start_worker("mail", worker_class=FORKING):
        wait_until(lambda: job.get_status() == "started", "the job to start")
        assert ended.look() == []
        (tmp_path / "end").touch()
        wait_until(lambda: job.get_status() == "finished", "the job to end")
    assert [each.id for each in ended.look()] == [job.id]


def test_each_look_sends_few_commands_that_only_read(
    ended: EndedJobs, queue: Queue, redis_client: Redis, work: Callable[..., None]
) -> None:
    for _ in range(3 * JOBS_PER_LOOK):
        queue.enqueue(jobs.fail_otherwise)
    work()
    found: list[int] = []
    sent = commands_during(redis_client, lambda: found.append(len(ended.look())))
    assert found == [JOBS_PER_LOOK]
    assert sum(map(len, sent.values())) <= 2 * MOST_COMMANDS
    assert sent.keys() == {"ZREVRANGEBYSCORE", "ZRANGE", "EVAL"}


@pytest.mark.parametrize("key", ["rq:finished:mail", "rq:failed:mail", "rq:wip:mail", "rq:results:{}"])
def test_tail_works_despite_foreign_keys(
    ended: EndedJobs, queue: Queue, redis_client: Redis, work: Callable[..., None], key: str
) -> None:
    job = queue.enqueue(jobs.fail_otherwise)
    work()
    redis_client.delete(key.format(job.id))
    redis_client.set(key.format(job.id), "foreign")
    assert [each.id for each in ended.look()] == ([] if "failed" in key else [job.id])


@pytest.mark.slow
def test_the_command_prints_a_line_for_each_ended_job(
    queue: Queue, redis_client: Redis, work: Callable[..., None], project_root: Path, tmp_path: Path
) -> None:
    queue.enqueue(jobs.succeed)
    out = tmp_path / "out"
    with out.open("w") as file, (tmp_path / "err").open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "tail", "mail", "--json"],
            cwd=project_root,
            stdout=file,
            stderr=errors,
            env={**os.environ},
        )
        wait_until(lambda: "Watching mail" in (tmp_path / "err").read_text(), "tail to begin")
        work()
        bad = queue.enqueue(jobs.fail_otherwise)
        work()
        wait_until(lambda: len(out.read_text().splitlines()) == 2, "a line for each job")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["status"] for line in lines] == ["finished", "failed"]
    assert lines[1]["id"] == bad.id

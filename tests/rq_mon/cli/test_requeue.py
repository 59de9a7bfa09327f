"""The state of a requeued job, and which failed jobs are requeued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command
from rq.job import Job

from proofs.harness.failed_jobs import fail, fail_jobs
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.cli import change as command
from rq_mon.jobs import failed as changes
from rq_mon.state.failed_jobs import FailedJob
from tests.rq_mon.calls import methods
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon
from tests.rq_mon.worker.processes import FORKING, RQ


def test_a_requeued_job_keeps_its_ttl(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, work: Callable[..., None]
) -> None:
    with_ttl, without = queue.enqueue(fail, ttl=60), queue.enqueue(fail)
    work()

    assert rqmon("requeue", "--all", "--yes", "--json").json["requeued"] == 2

    assert 50 < int(redis_client.ttl(with_ttl.key)) <= 60  # type: ignore[arg-type]
    assert redis_client.ttl(without.key) == -1


@pytest.mark.parametrize("action", ["requeue", "delete"])
def test_a_stopped_job_can_be_requeued_or_deleted(
    redis_server: RedisServer, redis_client: Redis, rqmon: Rqmon, queue: Queue, tmp_path: Path, action: str
) -> None:
    job = queue.enqueue(jobs.sleep_until_exists, str(tmp_path / "never"))
    with RQ(redis_server.url, tmp_path / "rq.log").start_worker("mail", worker_class=FORKING):
        wait_until(lambda: job.get_status() == "started", "the job to start")
        send_stop_job_command(redis_client, job.id)
        wait_until(lambda: job.get_status() == "stopped", "the job to be stopped")
    (group,) = rqmon("failed", "--json").json
    assert (group["exception"], group["example"]) == ("stopped", job.id)

    assert rqmon(action, "--exception", "stopped", "--yes").code == 0

    assert queue.job_ids == ([job.id] if action == "requeue" else [])
    assert Job.exists(job.id, connection=redis_client) == (action == "requeue")


@pytest.mark.parametrize("action", ["requeue", "delete"])
def test_jobs_that_fail_after_the_start_are_not_touched(
    redis_client: Redis, rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch, action: changes.Change
) -> None:
    ids = [*fail_jobs(redis_client, jobs=250), *fail_jobs(redis_client, queue="reports")]
    changed: Counter[str] = Counter()
    later: list[str] = []
    change = changes.CHANGES[action]

    def change_while_jobs_fail(
        connection: Redis, name: str, chosen: list[FailedJob]
    ) -> Counter[changes.Result]:
        changed.update(job.id for job in chosen)
        if not later:
            later.extend(fail_jobs(redis_client, jobs=250))
            later.extend(fail_jobs(redis_client, queue="reports", jobs=2))
        return change(connection, name, chosen)

    monkeypatch.setitem(changes.CHANGES, action, change_while_jobs_fail)

    assert rqmon(action, "--all", "--yes").code == 0
    assert changed == Counter(ids)
    assert redis_client.zcard("rq:failed:mail") == 250
    assert redis_client.zcard("rq:failed:reports") == 2


@pytest.mark.parametrize("action", ["requeue", "delete"])
def test_a_command_interrupted_between_pages_exits_with_130_and_reports_what_is_done(
    redis_client: Redis, rqmon: Rqmon, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    fail_jobs(redis_client, jobs=250)

    @contextmanager
    def interrupted(what: str, total: int) -> Iterator[Callable[[int], None]]:
        def advance(steps: int) -> None:
            if what != "Counting":
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(command, "progress", interrupted)

    result = rqmon(action, "--all", "--yes")

    left = int(redis_client.zcard("rq:failed:mail"))  # type: ignore[arg-type]
    assert result.code == 130
    assert f"{250 - left} jobs" in result.out
    assert "Interrupted" in result.out
    assert 0 < left < 250


@pytest.mark.parametrize("name", ["handle", "Report.handle", "methods.Report.handle"])
def test_a_function_can_be_selected_by_its_last_parts(
    rqmon: Rqmon, queue: Queue, work: Callable[..., None], name: str
) -> None:
    queue.enqueue(methods.Report.handle, "one argument too many")
    for _ in range(2):
        queue.enqueue(methods.Invoice.handle, "one argument too many")
    work()

    groups = rqmon("failed", "--function", name, "--json").json

    assert sum(group["jobs"] for group in groups) == (3 if name == "handle" else 1)
    assert rqmon("failed", "--function", "andle").code == 1

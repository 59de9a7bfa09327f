"""`rqmon purge`, `empty`, `pause` and `resume`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.jobs.purge import RESTING_STATES, RestingState, count_jobs
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon, hold_back


@pytest.fixture
def one_of_each(redis_client: Redis, queue: Queue, work: Callable[..., None]) -> dict[RestingState, Job]:
    """A job in each state without a worker."""
    finished = queue.enqueue(jobs.succeed)
    work()
    canceled = queue.enqueue(jobs.succeed)
    canceled.cancel()
    queued = queue.enqueue(jobs.succeed)
    (failed,) = fail_jobs(redis_client)
    return {
        "queued": queued,
        "failed": Job.fetch(failed, connection=redis_client),
        "scheduled": queue.enqueue_in(timedelta(hours=1), jobs.succeed),
        "finished": finished,
        "deferred": queue.enqueue(jobs.succeed, depends_on=queued),
        "canceled": canceled,
        "rate_limited": hold_back(redis_client, queue),
    }


@pytest.mark.parametrize("state", RESTING_STATES)
def test_purge_deletes_the_jobs_in_one_state(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, one_of_each: dict[RestingState, Job], state: RestingState
) -> None:
    result = rqmon("purge", "mail", state, "--yes")

    assert (result.code, result.out) == (0, "deleted: 1 job\n")
    assert f"1 {state} job of mail" in result.err
    counts = {each: count_jobs(queue, each) for each in RESTING_STATES}
    assert counts == {each: int(each != state) for each in RESTING_STATES}
    assert not redis_client.exists(one_of_each[state].key)


def test_empty_deletes_the_queued_jobs(rqmon: Rqmon, queue: Queue, one_of_each: object) -> None:
    assert rqmon("empty", "mail", "--yes", "--json").json["deleted"] == 1

    assert queue.count == 0
    assert rqmon("empty", "mail", "--yes").code == 1


@pytest.mark.parametrize("command", [("purge", "mail", "queued"), ("empty", "mail")])
def test_nothing_is_deleted_in_a_dry_run_or_without_consent(
    rqmon: Rqmon, at_a_terminal: Rqmon, queue: Queue, command: tuple[str, ...]
) -> None:
    queue.enqueue(jobs.succeed)

    assert rqmon(*command, "--dry-run").code == 0
    assert rqmon(*command).code == 2
    refused = at_a_terminal(*command, answer="n\n")

    assert refused.code == 1
    assert "This deletes 1 queued job of mail for good." in refused.err
    assert queue.count == 1


def test_reports_an_unknown_queue_and_lists_the_known_ones(rqmon: Rqmon, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)

    for command in (["empty", "mial"], ["purge", "mial", "failed"], ["failed", "--queue", "mial"]):
        result = rqmon(*command)
        assert (result.code, result.out) == (1, "")
        assert result.err == "rqmon: queue: expected one that RQ knows (mail), got 'mial'\n"


def test_paused_workers_start_no_job_until_they_are_resumed(
    rqmon: Rqmon, queue: Queue, work: Callable[..., None]
) -> None:
    job = queue.enqueue(jobs.succeed)

    assert rqmon("pause", "--yes").code == 0
    work()
    assert job.get_status() == JobStatus.QUEUED

    assert rqmon("resume", "--yes").out == "All workers are resumed.\n"
    work()
    assert job.get_status() == JobStatus.FINISHED
    assert rqmon("resume", "--json").json == {"dry_run": False, "was_paused": False}


def test_a_pause_can_end_by_itself(rqmon: Rqmon, redis_client: Redis) -> None:
    rqmon("pause", "--for", "10m", "--yes")

    assert 590 <= int(redis_client.ttl("rq:suspended")) <= 600  # type: ignore[arg-type]

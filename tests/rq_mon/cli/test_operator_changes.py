"""Changes by operators are counted in the same step, and logged: who, what, how many."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.catalogue import OPERATOR_ACTIONS, OPERATOR_CHANGES_KEY
from rq_mon.jobs.purge import purge_jobs
from rq_mon.worker.recorder import End, JobRecorder
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon, hold_back
from tests.rq_mon.cli.test_many_jobs import commands_during
from tests.rq_mon.cron.cron import cron_job, register_list

CASES = [
    (("requeue", "--all"), "requeue", 3),
    (("delete", "--all"), "delete", 3),
    (("purge", "mail", "failed"), "purge", 3),
    (("empty", "mail"), "purge", 2),
    (("purge", "mail", "rate_limited"), "purge", 2),
    (("pause",), "pause", 1),
    (("resume",), "resume", 1),
    (("cron", "run", "nightly"), "cron_run", 1),
    (("cron", "pause", "nightly"), "cron_pause", 1),
    (("cron", "resume", "weekly"), "cron_resume", 1),
    (("cron", "cancel", "nightly"), "cron_cancel", 1),
    (("prune", "--days", "1"), "prune", 2),
]
"""Command, counted action, and number of changes. `stop` needs a worker: see test_job."""

NOTHING_TO_DO = [("resume",), ("purge", "mail", "scheduled"), ("prune",)]


@pytest.fixture
def a_bit_of_everything(redis_client: Redis, queue: Queue) -> None:
    fail_jobs(redis_client, jobs=3)
    for _ in range(2):
        queue.enqueue(jobs.succeed)
        hold_back(redis_client, queue)
    register_list(redis_client, *(cron_job(cron_job_id=name) for name in ("nightly", "weekly")))
    redis_client.hset("rq:monitor:cron:paused", "weekly", "1")
    recorder = JobRecorder(max_functions=200, max_exceptions=50)
    for outcome in ("success", "failed"):
        recorder.record_end(redis_client, End(outcome, "job", "old", "app.f", outcome, "ValueError", 2.0))
    for field in ("success:written", "exceptions:written:ValueError"):
        redis_client.hset('rq:monitor:jobs:["old","app.f"]', field, "1")


def changes(client: Redis) -> dict[str, int]:
    found: Any = client.hgetall(OPERATOR_CHANGES_KEY)
    return {action.decode(): int(number) for action, number in found.items()}


def prepared(client: Redis, action: str) -> None:
    if action == "resume":
        client.set("rq:suspended", 1)


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize(("command", "action", "number"), CASES, ids=lambda each: str(each))
def test_each_change_is_counted_and_logged(
    rqmon: Rqmon,
    redis_client: Redis,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
    action: str,
    number: int,
) -> None:
    prepared(redis_client, action)
    rqmon(*command, "--dry-run")
    assert changes(redis_client) == {}
    assert caplog.text == ""

    assert rqmon(*command, "--yes").code == 0
    assert changes(redis_client) == {action: number}
    (logged,) = [record.getMessage() for record in caplog.records if record.name == "rq_mon.changes"]
    assert logged.startswith(f"{getpass.getuser()}@")
    assert f": {action}: {number} " in logged


@pytest.mark.parametrize("command", NOTHING_TO_DO, ids=" ".join)
def test_a_command_that_changes_nothing_is_not_counted(
    rqmon: Rqmon,
    redis_client: Redis,
    queue: Queue,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
) -> None:
    queue.enqueue(jobs.succeed)
    rqmon(*command, "--yes")
    assert changes(redis_client) == {}
    assert caplog.text == ""


def test_every_action_is_tested() -> None:
    assert {action for _, action, _ in CASES} == {*OPERATOR_ACTIONS} - {"stop"}


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize(("command", "action", "number"), CASES, ids=lambda each: str(each))
def test_changes_work_although_their_counts_have_a_wrong_type(
    rqmon: Rqmon, redis_client: Redis, command: tuple[str, ...], action: str, number: int
) -> None:
    prepared(redis_client, action)
    redis_client.set(OPERATOR_CHANGES_KEY, "foreign")
    assert rqmon(*command, "--yes").code == 0
    assert redis_client.get(OPERATOR_CHANGES_KEY) == b"foreign"


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize(("command", "action", "number"), CASES, ids=lambda each: str(each))
def test_a_change_and_its_count_are_one_step(
    rqmon: Rqmon, redis_client: Redis, command: tuple[str, ...], action: str, number: int
) -> None:
    """A count outside of the script or transaction would be lost if the command died in between."""
    prepared(redis_client, action)
    sent = commands_during(redis_client, lambda: rqmon(*command, "--yes"))
    counted_alone = [words for words in sent.get("HINCRBY", []) if OPERATOR_CHANGES_KEY in " ".join(words)]
    assert counted_alone == []
    assert ("MULTI" in sent) == (action in {"pause", "cron_run", "cron_pause", "cron_resume", "cron_cancel"})


def test_a_purge_by_an_application_does_not_count_as_an_operators_change(
    redis_client: Redis, queue: Queue, work: Callable[..., None]
) -> None:
    queue.enqueue(jobs.succeed)
    assert purge_jobs(queue, "queued") == 1
    assert changes(redis_client) == {}

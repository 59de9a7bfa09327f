"""Read-only commands and dry runs change no key."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.failed_jobs import fail_jobs
from rq_mon.cron.registry import CronRegistry
from rq_mon.jobs.purge import RESTING_STATES
from rq_mon.series import jobs_key, running_key, waits_key
from rq_mon.state.job_lists import JOB_STATES
from rq_mon.worker.abandoned import RunningExecution
from rq_mon.worker.recorder import End, JobRecorder, Start
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import Rqmon, hold_back
from tests.rq_mon.cron.cron import cron_job, register_list

DRY_RUNS = [
    *(("purge", "mail", state) for state in RESTING_STATES),
    ("empty", "mail"),
    ("requeue", "--all"),
    ("delete", "--all"),
    ("requeue", "--exception", "ValueError", "--json"),
    ("prune",),
    ("prune", "--json"),
    ("pause", "--for", "10m"),
    ("resume",),
    ("cron", "run", "nightly"),
    ("cron", "pause", "nightly"),
    ("cron", "resume", "weekly"),
    ("cron", "cancel", "nightly"),
]
LOOKS = [
    ("status",),
    ("status", "mail", "--json"),
    *(("jobs", "mail", "--state", state, "--search", "x") for state in JOB_STATES),
    ("jobs", "mail", "--state", "failed", "--json"),
    ("failed",),
    ("failed", "--traceback", "--arguments", "--json"),
    ("health", "--max-failed", "1"),
    ("cron", "list"),
]


@pytest.fixture
def a_bit_of_everything(redis_client: Redis, queue: Queue, work: Callable[..., None]) -> None:
    """Two or more jobs in each state; one has expired in each state in which RQ lets jobs expire."""
    for registry, ids in (("failed", fail_jobs(redis_client, jobs=3)), ("finished", _finish(queue, work))):
        redis_client.zadd(f"rq:{registry}:mail", {ids[0]: time.time() - 10, ids[1]: -1})
    first = queue.enqueue(jobs.succeed)
    for _ in range(2):
        queue.enqueue(jobs.succeed, depends_on=first)
        queue.enqueue(jobs.succeed).cancel()
        queue.enqueue_in(timedelta(hours=1), jobs.succeed)
        hold_back(redis_client, queue)
    redis_client.zadd("rq:wip:mail", {"gone:1": time.time() - 100})
    redis_client.set("rq:suspended", 1)
    register_list(redis_client, *(cron_job(cron_job_id=name) for name in ("nightly", "weekly")))
    CronRegistry(redis_client).pause("weekly")
    _write_old_metrics(redis_client)


def _write_old_metrics(client: Redis) -> None:
    """Two series of jobs, one of waits and a lost execution for `prune`, and one series that stays."""
    recorder = JobRecorder(max_functions=200, max_exceptions=50)
    for number, function in enumerate(("app.send", "app.read", "app.new")):
        recorder.record_start(client, Start(str(number), "mail", "", waited=1.0))
        recorder.record_end(client, End(str(number), "job", "mail", function, "success", "", 2.0))
        if function != "app.new":
            client.hset(jobs_key("mail", function), "success:written", "1")
    client.hset(waits_key("mail"), "written", "1")
    lost = RunningExecution("gone", "rq:worker:gone", "birth", 0.0, 0.0, "app.send")
    client.hset(running_key("mail"), "lost", lost.encode())


@pytest.mark.usefixtures("a_bit_of_everything")
def test_prunes_dry_run_lists_exactly_what_prune_removes(rqmon: Rqmon, redis_client: Redis) -> None:
    said = rqmon("prune", "--dry-run", "--json").json
    done = rqmon("prune", "--yes", "--json").json

    series = [(each["function"], each["series"]) for each in said["chosen"]]
    assert sorted(series) == [
        ("", "waits"),
        ("app.read", "success"),
        ("app.send", "running"),
        ("app.send", "success"),
    ]
    assert (said["removed"], done["chosen"]) == ([], said["chosen"])
    assert done["removed"] == said["chosen"]


def _finish(queue: Queue, work: Callable[..., None]) -> list[str]:
    ids = [queue.enqueue(jobs.succeed).id for _ in range(3)]
    work()
    return ids


def dumps(client: Any) -> dict[bytes, tuple[bytes, bool]]:
    return {key: (client.dump(key), client.ttl(key) >= 0) for key in client.scan_iter()}


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize("command", [*((*command, "--dry-run") for command in DRY_RUNS), *LOOKS])
def test_reading_commands_and_dry_runs_write_no_key(
    rqmon: Rqmon, redis_client: Redis, command: tuple[str, ...]
) -> None:
    before = dumps(redis_client)

    result = rqmon(*command)

    assert result.code in (0, 1)
    assert dumps(redis_client) == before


@pytest.mark.usefixtures("a_bit_of_everything")
def test_failed_jobs_that_have_expired_are_not_shown(rqmon: Rqmon) -> None:
    (group,) = rqmon("failed", "--json").json
    assert group["jobs"] == 2


@pytest.mark.usefixtures("a_bit_of_everything")
@pytest.mark.parametrize(
    ("state", "jobs_left"), [("failed", 2), ("finished", 2), ("canceled", 2), ("deferred", 2)]
)
def test_purge_deletes_as_many_jobs_as_its_dry_run_shows_and_all_expired_ids(
    rqmon: Rqmon, redis_client: Redis, state: str, jobs_left: int
) -> None:
    assert rqmon("purge", "mail", state, "--dry-run", "--json").json["jobs"] == jobs_left
    assert rqmon("purge", "mail", state, "--yes", "--json").json["deleted"] == jobs_left
    assert not redis_client.exists(f"rq:{state}:mail")

"""`rqmon requeue` and `rqmon delete`: which jobs they change, and that none is lost."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.group import Group
from rq.job import Job, JobStatus

from proofs.harness.failed_jobs import fail_jobs
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.jobs import failed as changes
from rq_mon.jobs.purge import count_jobs
from rq_mon.state.failed_jobs import FailedJob, read_failed_jobs
from tests.rq_mon.cli import jobs
from tests.rq_mon.cli.conftest import COMMAND, Rqmon
from tests.rq_mon.worker.processes import RQ, SIMPLE

FAIL, FAIL_OTHERWISE = "proofs.harness.failed_jobs.fail", "tests.rq_mon.cli.jobs.fail_otherwise"


def failed_ids(queue: Queue) -> set[str]:
    return set(queue.failed_job_registry.get_job_ids(cleanup=False))


def read(client: Redis, *job_ids: str) -> list[FailedJob]:
    return read_failed_jobs(client, "mail", [job_id.encode() for job_id in job_ids])


# ---- which ----


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--all"], {"first", "second", "other"}),
        (["--all", "--queue", "reports"], {"other"}),
        (["--queue", "mail"], {"first", "second"}),
        (["--function", "fail"], {"first", "second"}),
        (["--exception", "KeyError"], {"other"}),
        (["--since", "1h", "--queue", "reports"], {"other"}),
    ],
)
@pytest.mark.parametrize("command", ["requeue", "delete"])
def test_changes_only_the_selected_jobs(
    rqmon: Rqmon, redis_client: Redis, command: str, options: list[str], expected: set[str]
) -> None:
    first, second = fail_jobs(redis_client, FAIL, jobs=2)
    (other,) = fail_jobs(redis_client, FAIL_OTHERWISE, queue="reports")
    queues = [Queue(name, connection=redis_client) for name in ("mail", "reports")]
    names = {first: "first", second: "second", other: "other"}

    result = rqmon(command, *options, "--yes")

    assert result.code == 0
    left = {names[each] for queue in queues for each in failed_ids(queue)}
    assert left == set(names.values()) - expected
    queued = {names[each] for queue in queues for each in queue.job_ids}
    assert queued == (expected if command == "requeue" else set())


def test_jobs_are_selected_by_id(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    first, second, third = fail_jobs(redis_client, jobs=3)

    result = rqmon("requeue", third, first, "no-such-job", first, "--yes", "--json")

    assert result.json["requeued"] == 2
    assert set(queue.job_ids) == {first, third}
    assert failed_ids(queue) == {second}


@pytest.mark.parametrize("arguments", [[], ["--yes"], ["--all", "--function", "fail"]])
def test_all_jobs_are_selected_only_with_the_option_all(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, arguments: list[str]
) -> None:
    fail_jobs(redis_client)

    result = rqmon("delete", *arguments)

    assert result.code == 2
    assert "--all" in result.err
    assert len(failed_ids(queue)) == 1


def test_exits_with_1_if_there_is_nothing_to_do(rqmon: Rqmon, redis_client: Redis) -> None:
    fail_jobs(redis_client)

    result = rqmon("requeue", "--function", "no_such", "--yes")

    assert (result.code, result.out) == (1, "No failed job matches these options.\n")


# ---- asking ----


def test_a_dry_run_names_the_jobs_and_changes_nothing(
    rqmon: Rqmon, redis_client: Redis, queue: Queue
) -> None:
    ids = fail_jobs(redis_client, jobs=3)

    result = rqmon("delete", "--all", "--dry-run")

    assert result.code == 0
    assert "deletes 3 failed jobs and their results" in result.out
    assert f"3 of {FAIL} in mail: ValueError" in result.out
    assert failed_ids(queue) == set(ids)


def test_refuses_without_a_terminal_to_confirm_on(rqmon: Rqmon, redis_client: Redis, queue: Queue) -> None:
    fail_jobs(redis_client)

    result = rqmon("delete", "--all")

    assert result.code == 2
    assert result.err.splitlines() == [
        "rqmon: This deletes 1 failed job and their results for good:",
        f"  1 of {FAIL} in mail: ValueError",
        "This needs a confirmation: expected a terminal, or --yes.",
    ]
    assert len(failed_ids(queue)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_asks_at_a_terminal_and_names_the_jobs(
    at_a_terminal: Rqmon, redis_client: Redis, queue: Queue, answer: str, left: int
) -> None:
    fail_jobs(redis_client)

    result = at_a_terminal("delete", "--all", answer=answer)

    assert f"1 of {FAIL} in mail: ValueError" in result.err
    assert "Continue? [y/N]" in result.err
    assert len(failed_ids(queue)) == left
    assert result.code == left


@pytest.mark.slow
def test_shows_its_progress_only_on_a_terminal(
    rqmon: Rqmon, at_a_terminal: Rqmon, redis_client: Redis
) -> None:
    fail_jobs(redis_client, jobs=300)

    assert "%" not in rqmon("requeue", "--all", "--dry-run").err
    assert "100%" in at_a_terminal("requeue", "--all", answer="y\n").err


# ---- what becomes of them ----


def test_requeued_jobs_run_again(
    rqmon: Rqmon, queue: Queue, work: Callable[..., None], tmp_path: Path
) -> None:
    fixed = tmp_path / "fixed"
    job = queue.enqueue(jobs.fail_until_exists, str(fixed))
    work()
    fixed.touch()

    assert rqmon("requeue", "--all", "--yes").out == "requeued: 1 job\n"

    work()
    assert job.get_status() == JobStatus.FINISHED
    assert failed_ids(queue) == set()


def test_a_requeued_job_is_stored_as_rq_stores_it(rqmon: Rqmon, redis_client: Redis) -> None:
    ours, theirs = fail_jobs(redis_client, jobs=2)
    rq_job = Job.fetch(theirs, connection=redis_client)

    rqmon("requeue", ours, "--yes")
    rq_job.requeue()

    kept: Any = [redis_client.hgetall(f"rq:job:{each}") for each in (ours, theirs)]
    for stored in kept:
        assert stored.pop(b"enqueued_at")
        stored.pop(b"exc_info", None)  # an empty text, which RQ itself would not write
        stored.pop(b"redis_server_version", None)
    assert kept[0] == kept[1]


def test_a_requeued_job_does_not_expire_while_it_waits(rqmon: Rqmon, redis_client: Redis) -> None:
    """RQ keeps a failed job for its failure_ttl: a requeued one must not expire in the queue."""
    (job_id,) = fail_jobs(redis_client)
    redis_client.expire(f"rq:job:{job_id}", 60)

    rqmon("requeue", job_id, "--yes")

    assert redis_client.ttl(f"rq:job:{job_id}") == -1


def test_a_job_that_fails_again_at_once_is_requeued_once(
    redis_client: Redis,
    rqmon: Rqmon,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[..., None],
) -> None:
    ids = fail_jobs(redis_client, jobs=5)
    requeued: Counter[str] = Counter()

    def requeue_and_work(connection: Redis, name: str, chosen: list[FailedJob]) -> Counter[changes.Result]:
        requeued.update(job.id for job in chosen)
        outcomes = changes.requeue(connection, name, chosen)
        work()  # they fail again
        return outcomes

    monkeypatch.setitem(changes.CHANGES, "requeue", requeue_and_work)
    first_pass = rqmon("requeue", "--all", "--yes", "--json").json

    assert first_pass["requeued"] == 5
    assert requeued == Counter(ids)
    assert failed_ids(queue) == set(ids)


def test_deleting_leaves_nothing_of_a_job(
    rqmon: Rqmon, redis_client: Redis, queue: Queue, work: Callable[..., None]
) -> None:
    group = Group.create(connection=redis_client)
    (job,) = group.enqueue_many(queue, [Queue.prepare_data(FAIL)])
    queue.enqueue(jobs.succeed, depends_on=job)
    work()
    ids = fail_jobs(redis_client, jobs=2)
    assert job.id in failed_ids(queue)

    assert rqmon("delete", "--all", "--yes").out == "deleted: 3 jobs\n"

    keys: Any = redis_client.keys()
    assert [key for key in keys for job_id in (job.id, *ids) if job_id.encode() in key] == []
    assert not redis_client.sismember(f"rq:group:{group.name}", job.id)
    assert failed_ids(queue) == set()


# ---- someone else does something to the same jobs ----


@pytest.mark.parametrize("change", ["requeue", "delete"])
def test_a_job_that_changed_since_it_was_read_is_left_alone(
    redis_client: Redis, queue: Queue, work: Callable[..., None], change: changes.Change
) -> None:
    requeued, failed_again, deleted, untouched = fail_jobs(redis_client, jobs=4)
    seen = read(redis_client, requeued, failed_again, deleted, untouched)
    queue.failed_job_registry.requeue(failed_again)
    work()
    queue.failed_job_registry.requeue(requeued)
    Job.fetch(deleted, connection=redis_client).delete()

    outcomes = changes.CHANGES[change](redis_client, "mail", seen)

    assert outcomes == {"done": 1, "changed": 3}
    assert failed_ids(queue) == {failed_again}
    assert queue.job_ids.count(requeued) == 1


@pytest.mark.parametrize("change", ["requeue", "delete"])
def test_a_job_that_expired_leaves_the_registry(
    redis_client: Redis, queue: Queue, change: changes.Change
) -> None:
    (job_id,) = fail_jobs(redis_client)
    seen = read(redis_client, job_id)
    redis_client.delete(f"rq:job:{job_id}")

    assert changes.CHANGES[change](redis_client, "mail", seen) == {"gone": 1}

    assert (failed_ids(queue), queue.job_ids) == (set(), [])


def test_a_job_with_a_rate_limit_of_rq_3_is_left_alone(
    rqmon: Rqmon, redis_client: Redis, queue: Queue
) -> None:
    (job_id,) = fail_jobs(redis_client)
    redis_client.hset(f"rq:job:{job_id}", "rate_limit_key", "mail-provider")

    result = rqmon("requeue", "--all", "--yes")

    assert result.code == 1
    assert "1 left alone: they have a rate limit of RQ 3" in result.out
    assert failed_ids(queue) == {job_id}


@pytest.mark.e2e
def test_two_requeues_at_once_enqueue_each_job_once(
    redis_client: Redis, queue: Queue, project_root: Path
) -> None:
    ids = fail_jobs(redis_client, jobs=3000)

    both = [start("requeue", "--all", "--yes", "--json", cwd=project_root) for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)

    assert Counter(queue.job_ids) == Counter(ids)
    assert failed_ids(queue) == set()


@pytest.mark.e2e
def test_busy_workers_run_each_requeued_job_once(
    redis_client: Redis, redis_server: RedisServer, queue: Queue, project_root: Path, tmp_path: Path
) -> None:
    ids = fail_jobs(redis_client, "tests.rq_mon.cli.jobs.fail_once", jobs=300)
    redis_client.set("fixed", 1)
    rq = RQ(redis_server.url, tmp_path / "rq.log")

    with rq.start_worker("mail", worker_class=SIMPLE), rq.start_worker("mail", worker_class=SIMPLE):
        start("requeue", "--all", "--yes", cwd=project_root).communicate(timeout=120)
        wait_until(
            lambda: len(queue.finished_job_registry.get_job_ids(cleanup=False)) == len(ids),
            "all jobs to be done",
            within=60,
        )

    runs: Any = redis_client.hgetall("runs")
    assert {job_id.decode(): int(count) for job_id, count in runs.items()} == dict.fromkeys(ids, 1)
    assert (failed_ids(queue), queue.job_ids) == (set(), [])


@pytest.mark.e2e
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("command", ["requeue", "delete"])
def test_no_job_is_lost_if_the_command_is_killed_half_way(
    rqmon: Rqmon,
    redis_client: Redis,
    queue: Queue,
    project_root: Path,
    command: str,
    ending: signal.Signals,
) -> None:
    ids = set(fail_jobs(redis_client, jobs=6000))
    process = start(command, "--all", "--yes", cwd=project_root)

    wait_until(lambda: count_jobs(queue, "failed") < len(ids) - 500, "it to be half way", every=0.001)
    process.send_signal(ending)
    out, _ = process.communicate(timeout=120)

    failed, queued = failed_ids(queue), queue.job_ids
    done = ids - failed
    assert 0 < len(done) < len(ids)
    if command == "requeue":
        assert Counter(queued) == Counter(done)
        assert all(status == b"queued" for status in statuses(redis_client, done))
    else:
        assert statuses(redis_client, done) == [None] * len(done)
    assert all(status == b"failed" for status in statuses(redis_client, failed))
    if ending == signal.SIGINT:
        assert process.returncode == 130
        assert "the other jobs are unchanged" in out

    rqmon(command, "--all", "--yes")
    assert failed_ids(queue) == set()


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def statuses(client: Any, job_ids: set[str]) -> list[bytes | None]:
    with client.pipeline(transaction=False) as pipeline:
        for job_id in job_ids:
            pipeline.hget(f"rq:job:{job_id}", "status")
        found: list[bytes | None] = pipeline.execute()
        return found

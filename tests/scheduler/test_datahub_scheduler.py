from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, Retry
from rq.job import JobStatus

from rq_mon.jobs.purge import JOBS_PER_BATCH
from scheduler import DataHubScheduler, datahub_scheduler
from scheduler.cron_constants import EVERY_HOUR, EVERY_MINUTE
from scheduler.supervised_worker import SupervisedWorker
from tests.harness import jobs


@pytest.fixture
def scheduler(redis_client: Any) -> Iterator[DataHubScheduler]:
    with DataHubScheduler("burst-no-fork") as scheduler:
        yield scheduler


def test_arguments_can_be_given_directly_or_as_args_and_kwargs(scheduler: DataHubScheduler) -> None:
    plain = scheduler.enqueue("queue", jobs.add, 1, second=2)
    apart = scheduler.enqueue("queue", jobs.add, args=(3,), kwargs={"second": 4}, job_timeout=60)

    scheduler.work("queue")

    assert (plain.return_value(), apart.return_value()) == (3, 7)
    assert apart.timeout == 60


def test_arguments_in_both_forms_are_refused(scheduler: DataHubScheduler) -> None:
    with pytest.raises(TypeError, match="either directly or as `args` and `kwargs`"):
        scheduler.enqueue("queue", jobs.add, 1, kwargs={"second": 2})


def test_options_are_passed_to_rq(scheduler: DataHubScheduler) -> None:
    job = scheduler.enqueue("queue", jobs.fail, retry=Retry(2, [60, 120]), job_id="mine", result_ttl=5)

    assert (job.id, job.retries_left, job.retry_intervals, job.result_ttl) == ("mine", 2, [60, 120], 5)


def test_queues_are_worked_in_the_order_of_their_names(
    scheduler: DataHubScheduler, redis_client: Any
) -> None:
    for queue in ("first", "second", "third"):
        scheduler.enqueue(queue, jobs.record, queue)

    worked = scheduler.work("second", "third", "first")

    assert worked
    assert redis_client.lrange("trace", 0, -1) == [b"second", b"third", b"first"]


def test_jobs_of_other_queues_do_not_run(scheduler: DataHubScheduler) -> None:
    scheduler.enqueue("queue", jobs.record, 1)

    assert not scheduler.work("another")
    assert scheduler.queued_count("queue") == 1


def test_work_without_a_queue_is_refused(scheduler: DataHubScheduler) -> None:
    with pytest.raises(ValueError, match="queues: "):
        scheduler.work()


def test_a_burst_with_scheduler_moves_delayed_jobs_that_are_due(scheduler: DataHubScheduler) -> None:
    job = scheduler.enqueue_in("queue", timedelta(0), jobs.add, 1, 2)
    assert scheduler.scheduled_count("queue") == 1

    scheduler.work("queue", with_scheduler=True)

    assert job.return_value() == 3


def test_without_workers_jobs_run_when_they_are_enqueued(redis_client: Any) -> None:
    with DataHubScheduler(is_async=False) as scheduler:
        assert scheduler.enqueue("queue", jobs.add, 1, 2).return_value() == 3
        assert scheduler.enqueue("queue", jobs.fail).is_failed
        assert scheduler.queued_count("queue") == 0


@pytest.mark.slow
@pytest.mark.parametrize("code", ["DataHubScheduler(is_async=False)", "DataHubScheduler('burst-no-fork')"])
def test_functions_of_main_run_in_their_own_process(redis_client: Any, project_root: Path, code: str) -> None:
    program = f"""
from scheduler import DataHubScheduler

def answer():
    return 42

with {code} as scheduler:
    job = scheduler.enqueue("queue", answer)
    scheduler.work("queue") if scheduler.is_async else None
    print(job.return_value())
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == "42"


def test_by_default_jobs_run_in_forks_of_the_stacks_own_worker(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of this test it works until it is asked to stop."""
    worked: list[bool] = []

    class Burst(SupervisedWorker):
        def work(self, *_: Any, with_scheduler: bool = False, **__: Any) -> bool:
            worked.append(with_scheduler)
            return super().work(burst=True)

    monkeypatch.setattr(
        datahub_scheduler, "build_worker", lambda names, redis, _: Burst(names, connection=redis)
    )
    with DataHubScheduler() as scheduler:
        job = scheduler.enqueue("queue", os.getpid)

        assert scheduler.work("queue", with_scheduler=True)

        assert worked == [True]
        assert job.return_value() not in (None, os.getpid())


def test_an_unknown_strategy_is_refused_with_a_suggestion(redis_client: Any) -> None:
    with pytest.raises(
        ValueError, match="expected one of fork, burst-no-fork; got 'frok'; did you mean 'fork'"
    ):
        DataHubScheduler("frok")


def test_all_schedulers_of_a_process_share_their_connections(redis_client: Any) -> None:
    jobs_enqueued = []
    before = len(redis_client.client_list())
    for _ in range(20):
        with DataHubScheduler() as scheduler:
            jobs_enqueued.append(scheduler.enqueue("queue", jobs.add, 1, 2))

    assert {job.get_status() for job in jobs_enqueued} == {JobStatus.QUEUED}
    assert len(redis_client.client_list()) <= before + 1


ENQUEUES_IN_A_FORK = """
import os, threading
from scheduler import job_scheduler
first = job_scheduler("os.getcwd")
child = os.fork()
there = [job_scheduler("os.getcwd") for _ in range(20)]
assert {job.get_status() for job in [first, *there]} == {"queued"}
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
    threads = [threading.Thread(target=job_scheduler, args=("os.getcwd",)) for _ in range(9)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def test_forks_and_threads_can_enqueue_concurrently_without_errors(
    redis_client: Any, project_root: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENQUEUES_IN_A_FORK],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert redis_client.llen("rq:queue:short-running") == 50


def fill(scheduler: DataHubScheduler, state: str, count: int) -> None:
    for _ in range(count):
        if state == "scheduled":
            scheduler.enqueue_in("queue", timedelta(hours=1), jobs.add, 1, 2)
        else:
            scheduler.enqueue("queue", jobs.add if state == "queued" else jobs.fail)
    if state == "failed":
        scheduler.work("queue")


@pytest.mark.parametrize("state", ["queued", "failed", "scheduled"])
def test_purging_deletes_only_the_jobs_in_one_state(
    scheduler: DataHubScheduler, redis_client: Any, state: str
) -> None:
    fill(scheduler, "failed", 3)
    fill(scheduler, "queued", 3)
    fill(scheduler, "scheduled", 3)
    scheduler.enqueue("another", jobs.add, 1, 2)

    scheduler.enqueue_in("queue", timedelta(hours=2), jobs.add, 1, 2)
    expected = {"queued": 3, "failed": 3, "scheduled": 4}

    removed = scheduler.purge("queue", state)

    counts = {
        "queued": scheduler.queued_count("queue"),
        "failed": scheduler.failed_count("queue"),
        "scheduled": scheduler.scheduled_count("queue"),
    }
    assert removed == expected[state]
    assert counts == expected | {state: 0}
    assert len(redis_client.keys("rq:job:*")) == 11 - removed


def test_purging_leaves_nothing_of_a_failed_job(scheduler: DataHubScheduler, redis_client: Any) -> None:
    job = scheduler.enqueue("queue", jobs.fail)
    scheduler.enqueue("queue", jobs.add, 1, 2, depends_on=job)
    scheduler.work("queue")
    assert redis_client.keys(f"*{job.id}*")

    scheduler.purge("queue", "failed")

    assert redis_client.keys(f"*{job.id}*") == []


def test_purging_works_through_more_jobs_than_one_batch(scheduler: DataHubScheduler) -> None:
    fill(scheduler, "queued", JOBS_PER_BATCH + 1)
    fill(scheduler, "scheduled", JOBS_PER_BATCH + 1)

    assert scheduler.purge("queue") == JOBS_PER_BATCH + 1
    assert scheduler.purge("queue", "scheduled") == JOBS_PER_BATCH + 1
    assert scheduler.purge("queue") == 0


def test_purging_tolerates_jobs_that_are_gone(scheduler: DataHubScheduler, redis_client: Any) -> None:
    job = scheduler.enqueue("queue", jobs.add, 1, 2)
    redis_client.delete(job.key)

    assert scheduler.purge("queue", "queued") == 1
    assert scheduler.queued_count("queue") == 0


@pytest.mark.parametrize("state", ["quueued", "", None, "finished"])
def test_an_unknown_state_is_refused_and_nothing_is_deleted(scheduler: DataHubScheduler, state: Any) -> None:
    fill(scheduler, "queued", 1)

    with pytest.raises(ValueError, match="expected one of queued, failed, scheduled; got"):
        scheduler.purge("queue", state)

    assert scheduler.queued_count("queue") == 1


def test_a_cron_job_registered_repeatedly_exists_once(scheduler: DataHubScheduler) -> None:
    first = scheduler.cron("queue", EVERY_MINUTE, jobs.add, (1, 2), description="adds up")
    again = scheduler.cron(queue_name="queue", cron=EVERY_MINUTE, function=jobs.add, args=(1, 2))

    assert again.id == first.id
    assert scheduler.cron_job_count() == 1


def test_a_new_schedule_replaces_the_old_one_of_a_cron_job(scheduler: DataHubScheduler) -> None:
    scheduler.cron("queue", EVERY_MINUTE, jobs.add, (1, 2))
    scheduler.cron("queue", EVERY_HOUR, jobs.add, (1, 2))

    assert [job.schedule.expression for job in scheduler.scheduled_jobs()] == [EVERY_HOUR]


def test_cancelling_leaves_no_cron_job(scheduler: DataHubScheduler, redis_client: Any) -> None:
    scheduler.cron("queue", EVERY_MINUTE, jobs.add, (1, 2))
    scheduler.cron("queue", EVERY_MINUTE, jobs.add, (3, 4))

    assert scheduler.cancel_cron_jobs() == 2
    assert scheduler.cancel_cron_jobs() == 0
    assert scheduler.scheduled_jobs() == []
    assert redis_client.keys("*") == []


def test_clear_deletes_all_its_jobs_and_cron_jobs_and_no_foreign_key(
    scheduler: DataHubScheduler, redis_client: Any
) -> None:
    redis_client.set("foreign", "value")
    Queue("foreign", connection=redis_client).enqueue(jobs.add, 1, 2)
    foreign = set(redis_client.keys("*"))
    fill(scheduler, "failed", 1)
    fill(scheduler, "queued", 1)
    fill(scheduler, "scheduled", 1)
    scheduler.cron("queue", EVERY_MINUTE, jobs.add)

    scheduler.clear()

    assert scheduler.cron_job_count() == 0
    assert len(redis_client.keys("rq:job:*")) == 1
    assert foreign <= set(redis_client.keys("*"))


@pytest.mark.slow
def test_importing_the_package_connects_to_nothing(project_root: Path) -> None:
    program = "import scheduler, cron_jobs, rq_mon.cron.runner, scheduler.worker_process"

    subprocess.run(
        [sys.executable, "-c", program],
        cwd=project_root,
        check=True,
        env={"RQ_REDIS_URL": "redis://127.0.0.1:1/0", "PATH": ""},
    )

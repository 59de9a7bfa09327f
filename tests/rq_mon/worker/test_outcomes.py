"""Every outcome of a job is counted once, whichever worker runs it."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.command import send_stop_job_command
from rq.registry import StartedJobRegistry
from rq.utils import now

from proofs.harness.waiting import wait_until
from tests.rq_mon.worker import jobs
from tests.rq_mon.worker.counters import ends, failures, running, series
from tests.rq_mon.worker.processes import RQ, SIMPLE, kill_with_children

pytestmark = pytest.mark.slow

MISSED_SOON = "tests.rq_mon.worker.worker_classes.MissedSoonWorker"
MISSED_SOON_SIMPLE = "tests.rq_mon.worker.worker_classes.MissedSoonSimpleWorker"


@pytest.fixture(autouse=True)
def _no_job_stays_listed_as_running(redis_client: Redis) -> object:
    yield
    assert running(redis_client, "mail") == 0


def test_a_job_that_returns_is_a_success(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("succeed", "success"): 2}
    assert failures(redis_client, "mail") == {}


def test_a_success_without_a_result_is_counted(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.succeed, result_ttl=0)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_a_job_and_its_dependent_are_counted_once_each(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    first = queue.enqueue(jobs.succeed)
    queue.enqueue(jobs.succeed_again, depends_on=first)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("succeed", "success"): 1, ("succeed_again", "success"): 1}


def test_an_idle_worker_keeps_no_job_in_memory(rq: RQ, queue: Queue) -> None:
    queue.enqueue(jobs.succeed)
    log = rq.work("mail", worker_class="tests.rq_mon.worker.worker_classes.LogsKeptJobsWorker")
    assert "keeps the job as []" in log


def test_a_success_recorded_twice_by_rq_is_counted_once(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    job = queue.enqueue(jobs.succeed)
    option = ("--queue-class", "tests.rq_mon.worker.worker_classes.RacingQueue")
    rq.work("mail", worker_class=worker_class, options=option)
    assert redis_client.exists(job.dependents_key)
    assert ends(redis_client, "mail") == {("succeed", "success"): 1}


def test_a_job_that_raises_fails_with_its_exception(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.fail)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("fail", "failed"): 1}
    assert failures(redis_client, "mail") == {("fail", "ValueError"): 1}


def test_a_job_that_exceeds_its_timeout_fails_with_a_timeout(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.overrun, job_timeout=1)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("overrun", "failed"): 1}
    assert failures(redis_client, "mail") == {("overrun", "JobTimeoutException"): 1}
    assert series(redis_client, "mail", "tests.rq_mon.worker.jobs.overrun").outcomes["failed"].seconds >= 1


def test_a_job_that_exceeds_its_timeout_in_a_log_call_fails_after_the_log_line(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.overrun_in_a_log_call, job_timeout=1)
    log = rq.work("mail", worker_class=worker_class)
    assert "it takes two seconds to write this line" in log
    assert failures(redis_client, "mail") == {("overrun_in_a_log_call", "JobTimeoutException"): 1}
    assert (
        1
        <= series(redis_client, "mail", "tests.rq_mon.worker.jobs.overrun_in_a_log_call")
        .outcomes["failed"]
        .seconds
        < 30
    )


def test_a_job_that_returns_a_retry_is_retried(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.ask_for_retry_once)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {
        ("ask_for_retry_once", "retried"): 1,
        ("ask_for_retry_once", "success"): 1,
    }
    assert failures(redis_client, "mail") == {}


def test_a_job_that_returns_one_retry_too_many_fails(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.ask_for_retry, 2)
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {("ask_for_retry", "retried"): 2, ("ask_for_retry", "failed"): 1}
    assert failures(redis_client, "mail") == {("ask_for_retry", "MaxRetriesExceeded"): 1}


def test_a_job_that_raises_is_retried_as_long_as_it_has_retries(
    rq: RQ, queue: Queue, redis_client: Redis, worker_class: str
) -> None:
    queue.enqueue(jobs.fail_once, retry=Retry(max=3))
    queue.enqueue(jobs.fail, retry=Retry(max=2))
    rq.work("mail", worker_class=worker_class)
    assert ends(redis_client, "mail") == {
        ("fail_once", "retried"): 1,
        ("fail_once", "success"): 1,
        ("fail", "retried"): 2,
        ("fail", "failed"): 1,
    }
    assert failures(redis_client, "mail") == {("fail_once", "ValueError"): 1, ("fail", "ValueError"): 3}


def test_a_stopped_job_counts_as_stopped_and_not_as_failed(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    job = queue.enqueue(jobs.wait_for_release, retry=Retry(max=3))
    with rq.start_worker("mail"):
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        send_stop_job_command(redis_client, job.id)
        wait_until(lambda: job.get_status() == "stopped", "the job to be stopped")
    stopped = series(redis_client, "mail", "tests.rq_mon.worker.jobs.wait_for_release").outcomes["stopped"]
    assert ends(redis_client, "mail") == {("wait_for_release", "stopped"): 1}
    assert failures(redis_client, "mail") == {}
    assert 0 < stopped.seconds < 30
    assert [exemplar.job_id for exemplar in stopped.exemplars.values()] == [job.id]


def test_a_killed_work_horse_is_a_failure(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    queue.enqueue(jobs.kill_work_horse)
    queue.enqueue(jobs.kill_work_horse_once, retry=Retry(max=1))
    rq.work("mail")
    assert ends(redis_client, "mail") == {
        ("kill_work_horse", "failed"): 1,
        ("kill_work_horse_once", "retried"): 1,
        ("kill_work_horse_once", "success"): 1,
    }
    assert failures(redis_client, "mail") == {
        ("kill_work_horse", "WorkHorseKilled"): 1,
        ("kill_work_horse_once", "WorkHorseKilled"): 1,
    }


@pytest.mark.parametrize("doomed", [MISSED_SOON, MISSED_SOON_SIMPLE])
def test_a_job_whose_worker_is_killed_is_abandoned(
    rq: RQ, queue: Queue, redis_client: Redis, doomed: str
) -> None:
    job = queue.enqueue(jobs.wait_for_release)
    _kill_while_running(rq, redis_client, doomed)
    _wait_until_missed(queue)
    _maintain_until_counted(rq, redis_client)
    assert job.get_status() == "failed"
    assert ends(redis_client, "mail") == {("wait_for_release", "abandoned"): 1}
    assert failures(redis_client, "mail") == {("wait_for_release", "AbandonedJobError"): 1}


def test_each_run_of_a_job_that_is_abandoned_and_retried_is_counted(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    queue.enqueue(jobs.wait_for_release, retry=Retry(max=1))
    _kill_while_running(rq, redis_client, MISSED_SOON)
    _wait_until_missed(queue)
    redis_client.set("release", 1)
    _maintain_until_counted(rq, redis_client)
    assert ends(redis_client, "mail") == {
        ("wait_for_release", "abandoned"): 1,
        ("wait_for_release", "success"): 1,
    }


def test_an_abandoned_job_that_another_process_found_is_counted(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    """`rq info`, rq-dashboard and plain workers also clean the registries."""
    job = queue.enqueue(jobs.wait_for_release)
    _kill_while_running(rq, redis_client, MISSED_SOON)
    _wait_until_missed(queue)
    StartedJobRegistry(queue=queue).cleanup()
    assert job.get_status() == "failed"
    _maintain_until_counted(rq, redis_client)
    rq.work("mail")
    assert ends(redis_client, "mail") == {("wait_for_release", "abandoned"): 1}


def test_a_job_that_is_deleted_while_it_runs_is_not_abandoned(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.wait_for_release)
    with rq.start_worker("mail"):
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        job.delete()
        rq.work("mail")
        assert ends(redis_client, "mail") == {}
        redis_client.set("release", 1)
        wait_until(lambda: ends(redis_client, "mail"), "the job to be counted")
    assert ends(redis_client, "mail") == {("wait_for_release", "success"): 1}


def test_a_job_whose_worker_dies_before_starting_it_is_abandoned(
    rq: RQ, queue: Queue, redis_client: Redis
) -> None:
    job = queue.enqueue(jobs.succeed)
    redis_client.lmove(queue.key, queue.intermediate_queue_key)  # where that worker left it
    queue.intermediate_queue.set_first_seen(job.id)
    first_seen = queue.intermediate_queue.get_first_seen_key(job.id)
    redis_client.set(first_seen, now().timestamp() - 90)  # RQ waits for a minute
    rq.work("mail")
    assert job.get_status() == "failed"
    assert ends(redis_client, "mail") == {("succeed", "abandoned"): 1}


def test_the_outcome_of_one_job_does_not_affect_the_next(rq: RQ, queue: Queue, redis_client: Redis) -> None:
    """A worker runs one after the other; state left by one must not count for the next."""
    for function in (jobs.fail, jobs.succeed, jobs.fail, jobs.succeed_again):
        queue.enqueue(function)
    queue.enqueue(jobs.fail_with, "KeyError")
    rq.work("mail", worker_class=SIMPLE)
    assert ends(redis_client, "mail") == {
        ("fail", "failed"): 2,
        ("succeed", "success"): 1,
        ("succeed_again", "success"): 1,
        ("fail_with", "failed"): 1,
    }
    assert failures(redis_client, "mail") == {("fail", "ValueError"): 2, ("fail_with", "KeyError"): 1}


def _kill_while_running(rq: RQ, redis_client: Redis, worker_class: str) -> None:
    with rq.start_worker("mail", worker_class=worker_class) as worker:
        wait_until(lambda: redis_client.exists("pid"), "the job to run")
        kill_with_children(worker)


def _wait_until_missed(queue: Queue) -> None:
    registry = StartedJobRegistry(queue=queue)
    wait_until(registry.get_expired_job_ids, "RQ to miss the worker")


def _maintain_until_counted(rq: RQ, redis_client: Redis) -> None:
    """Run maintenance until the job is counted: the lost worker counts as alive for a moment."""
    wait_until(
        lambda: rq.work("mail") and ("wait_for_release", "abandoned") in ends(redis_client, "mail"),
        "the job to be counted",
    )

"""Cron schedulers that disagree, as real processes: frozen ones, deployments, rollbacks, two applications."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.cron.registry import CronRegistry
from rq_mon.state.live import live_schedulers
from scheduler import DataHubScheduler, job_scheduler
from tests.harness import jobs
from tests.harness.processes import Process, Start
from tests.rq_mon.cron.cron import EVERY_SECOND, YEARLY, registered, state, with_list

pytestmark = pytest.mark.slow

OLD = YEARLY
NEW = "CronEntry(id='new', function=jobs.add, cron='0 0 1 1 *')"


def frozen_for_long(redis_client: Any, process: Process) -> None:
    """Freeze a cron scheduler until the others consider it dead, without the wait for that."""
    process.popen.send_signal(signal.SIGSTOP)
    name = next(each for each in live_schedulers(redis_client) if each.endswith(f"-{process.pid}"))
    redis_client.zrem(catalogue.CRON_SCHEDULERS_KEY, name)


def thawed(redis_client: Any, process: Process) -> None:
    """Continue it, and wait for its heartbeat."""
    process.popen.send_signal(signal.SIGCONT)
    wait_until(
        lambda: any(each.endswith(f"-{process.pid}") for each in live_schedulers(redis_client)), "its report"
    )


def test_a_scheduler_that_was_frozen_cancels_and_restores_nothing(redis_client: Any, start: Start) -> None:
    old = start(*with_list(EVERY_SECOND, OLD))
    old.wait_for_log("enqueued")
    frozen_for_long(redis_client, old)
    new = start(*with_list(EVERY_SECOND, NEW))
    new.wait_for_log("cancelled cron_job=yearly")
    at_run_time = job_scheduler(jobs.sleep, (0,), cron="0 6 * * mon-fri")

    thawed(redis_client, old)
    new.stop()
    enqueued = old.output.count("enqueued")
    wait_until(lambda: old.output.count("enqueued") > enqueued, "a tick of the one that was frozen")

    assert registered(redis_client) == ["new", "second", at_run_time.id]
    assert "cancelled" not in old.output


def test_a_scheduler_that_was_frozen_restores_no_cron_job_cancelled_meanwhile(
    redis_client: Any, start: Start
) -> None:
    process = start(*with_list(EVERY_SECOND, OLD))
    process.wait_for_log("enqueued")
    frozen_for_long(redis_client, process)
    CronRegistry(redis_client).cancel("yearly")

    thawed(redis_client, process)
    enqueued = process.output.count("enqueued")
    wait_until(lambda: process.output.count("enqueued") > enqueued, "a tick")

    assert registered(redis_client) == ["second"]


def test_a_deployment_and_its_rollback_each_cancel_what_left_the_list(
    redis_client: Any, start: Start
) -> None:
    at_run_time = job_scheduler(jobs.sleep, (0,), cron="0 0 1 1 *")
    first = start(*with_list(EVERY_SECOND, OLD))
    first.wait_for_log("enqueued")
    before = state(redis_client)

    second = start(*with_list(EVERY_SECOND, NEW))
    second.wait_for_log("cancelled cron_job=yearly")
    assert registered(redis_client) == ["new", "second", at_run_time.id]
    first.stop()

    third = start(*with_list(EVERY_SECOND, OLD))
    third.wait_for_log("cancelled cron_job=new")
    assert registered(redis_client) == ["second", at_run_time.id, "yearly"]
    assert state(redis_client)["next"][b"yearly"] == before["next"][b"yearly"]
    assert at_run_time.id not in first.output + second.output + third.output


def test_a_list_of_one_application_does_not_cancel_those_of_another(redis_client: Any, start: Start) -> None:
    one = start(*with_list(EVERY_SECOND, OLD), SCHEDULER_CRON_LIST="shop")
    one.wait_for_log("registered cron_job=yearly")
    two = start(*with_list(NEW), SCHEDULER_CRON_LIST="billing")
    two.wait_for_log("registered cron_job=new")
    one.stop()

    again = start(*with_list(EVERY_SECOND), SCHEDULER_CRON_LIST="shop")
    again.wait_for_log("cancelled cron_job=yearly")

    assert registered(redis_client) == ["new", "second"]
    assert "cancelled" not in two.output


def test_after_redis_lost_its_data_the_newer_of_two_lists_is_registered(
    redis_client: Any, start: Start
) -> None:
    old = start(*with_list(EVERY_SECOND, OLD))
    old.wait_for_log("enqueued")
    new = start(*with_list(EVERY_SECOND, NEW))
    new.wait_for_log("cancelled cron_job=yearly")

    redis_client.flushall()

    new.wait_for_log("Redis has lost its data")
    wait_until(lambda: len(live_schedulers(redis_client)) == 2, "the report of both")
    wait_until(lambda: registered(redis_client) == ["new", "second"], "the newer list")


def test_cron_jobs_from_before_lists_had_names_are_kept_with_a_warning(
    redis_client: Any, start: Start
) -> None:
    with DataHubScheduler() as scheduler:
        for each in ("yearly", "left", "left-too"):
            scheduler.cron("queue", "0 0 1 1 *", jobs.add, cron_job_id=each)
    redis_client.delete(catalogue.CRON_OWNERS_KEY)

    first = start(*with_list(OLD))
    first.wait_for_log("rqmon cron cancel CRON_JOB")
    first.stop()
    second = start(*with_list(OLD))
    second.wait_for_log("registered cron_job=yearly")

    assert ": left, left-too." in first.output
    assert first.output.count("WARNING") == 1
    assert "left" not in second.output
    assert registered(redis_client) == ["left", "left-too", "yearly"]


def test_an_invalid_name_of_a_list_ends_the_process_with_an_error(redis_client: Any, start: Start) -> None:
    process = start(*with_list(OLD), SCHEDULER_CRON_LIST="my list")

    assert process.wait() == 1
    assert "SCHEDULER_CRON_LIST: expected 1 to 100 letters" in process.output
    assert "'my list'" in process.output
    assert redis_client.keys("*") == []

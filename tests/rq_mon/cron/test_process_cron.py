"""The cron scheduler as a real process."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

import cron_jobs
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.connection.client import connect
from rq_mon.state.live import live_schedulers
from scheduler import DataHubScheduler, job_scheduler
from tests.harness import jobs
from tests.harness.processes import Process, Start
from tests.rq_mon.cron.cron import EVERY_SECOND, YEARLY, state, with_list

pytestmark = pytest.mark.slow

CRON_SCHEDULER = "cron-scheduler.py"
ENDS_WITHIN = 8.0
"""Seconds: it takes less than two on an idle machine, and more than ten if it waits for Redis."""


WORKER_RIGHTS = (
    *("resetkeys", "~rq:*", "resetchannels", "&rq:*", "-@all", "+@read", "+@write", "+@connection"),
    *("+@transaction", "+@pubsub", "+@scripting", "+@blocking", "-@dangerous", "-@admin"),
    *("+client|list", "+client|setname", "+info", "+time"),
)
"""The rights that workers and cron schedulers need: RQ's keys, and no dangerous commands."""


def ticks(url: str) -> int:
    with connect(url) as client:
        return int(client.llen("rq:queue:short-running"))


def test_registers_its_list_and_signs_off_when_it_ends(redis_client: Any, start: Start) -> None:
    process = start(CRON_SCHEDULER)
    process.wait_for_log("registered cron_job=")

    wait_until(lambda: len(live_schedulers(redis_client)) == 1, "a live cron scheduler")
    with DataHubScheduler() as scheduler:
        assert scheduler.cron_job_count() == len(cron_jobs.CRON_JOBS)
    assert process.stop() < ENDS_WITHIN
    assert process.popen.returncode == 0
    assert live_schedulers(redis_client) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("redis", ["up", "down", "gone", "frozen"])
def test_ends_at_once_whether_or_not_redis_answers(
    own_redis: RedisServer, start: Start, redis: str, number: signal.Signals
) -> None:
    if redis != "down":
        own_redis.start()
    process = start(*with_list(EVERY_SECOND))
    process.wait_for_log("waiting for it" if redis == "down" else "registered")
    if redis == "gone":
        own_redis.kill()
        process.wait_for_log("waiting for it")
    if redis == "frozen":
        own_redis.signal(signal.SIGSTOP)
        time.sleep(1.5)  # until it waits for an answer, which nothing shows

    try:
        assert process.stop(number) < ENDS_WITHIN
    finally:
        if redis == "frozen":
            own_redis.signal(signal.SIGCONT)
    assert process.popen.returncode == 0


def test_waits_for_redis_and_survives_its_outages(own_redis: RedisServer, start: Start) -> None:
    process = start(*with_list(EVERY_SECOND))
    process.wait_for_log("Redis does not answer, waiting for it")
    own_redis.start()
    wait_until(lambda: ticks(own_redis.url) > 0, "a tick")

    own_redis.kill()
    wait_until(lambda: process.output.count("waiting for it") == 2, "the outage in the log")
    own_redis.start()

    before = ticks(own_redis.url)
    wait_until(lambda: ticks(own_redis.url) > before, "a tick after the outage")
    wait_until(lambda: process.output.count("Redis answers again") == 2, "its end in the log")
    assert process.popen.poll() is None


def test_registers_its_list_again_after_redis_lost_its_data(redis_client: Any, start: Start) -> None:
    start(*with_list(EVERY_SECOND)).wait_for_log("enqueued")

    redis_client.flushall()

    wait_until(lambda: redis_client.hlen(catalogue.CRON_JOBS_KEY) == 1, "the cron job to be back")


def test_enqueues_a_cron_job_that_another_process_registers(redis_client: Any, start: Start) -> None:
    start(*with_list(YEARLY)).wait_for_log("registered")

    cron_job = job_scheduler(jobs.sleep, (0,), cron="* * * * * *")

    wait_until(lambda: redis_client.hget(catalogue.CRON_LAST_TICKS_KEY, cron_job.id), "its first tick")


def test_a_worker_runs_its_jobs(redis_client: Any, start: Start) -> None:
    start(*with_list(EVERY_SECOND))
    worker = start("short-running-worker.py")

    wait_until(lambda: redis_client.llen("trace") >= 2, "two ticks")

    assert set(redis_client.lrange("trace", 0, -1)) == {b"hunter2"}
    assert "hunter2" not in worker.output


def test_a_list_with_an_error_changes_nothing(redis_client: Any, start: Start) -> None:
    first = start(*with_list(YEARLY))
    first.wait_for_log("registered")
    first.stop()
    before = state(redis_client)

    process = start(*with_list(EVERY_SECOND, "CronEntry(function=jobs.add, cron='nonsense')"))

    assert process.wait() == 1
    assert state(redis_client) == before
    assert "No cron job was changed: cron job number 2 of the list (add): cron: " in process.output
    assert "Traceback" not in process.output


def test_several_cron_schedulers_are_counted_as_alive(redis_client: Any, start: Start) -> None:
    processes: list[Process] = [start(*with_list(YEARLY)) for _ in range(3)]

    wait_until(lambda: len(live_schedulers(redis_client)) == 3, "three live cron schedulers")
    for process in processes[1:]:
        process.stop()

    assert live_schedulers(redis_client)[0].endswith(f"-{processes[0].pid}")
    assert len(live_schedulers(redis_client)) == 1


def test_log_lines_name_job_queue_and_function_but_no_arguments(redis_client: Any, start: Start) -> None:
    process = start(*with_list(EVERY_SECOND), RQ_LOG_LEVEL="DEBUG")

    process.wait_for_log("queue=short-running function=tests.harness.jobs.record")

    assert "enqueued job=second-" in process.output
    assert "hunter2" not in process.output


def test_the_rights_of_a_worker_are_enough(
    own_redis: RedisServer, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_redis.start()
    with connect(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "worker", "on", ">secret", *WORKER_RIGHTS)
    monkeypatch.setenv("RQ_REDIS_URL", own_redis.url.replace("//", "//worker:secret@"))

    cron = start(
        *with_list("CronEntry(id='second', function=jobs.sleep, function_args=(0,), cron='* * * * * *')")
    )
    worker = start("short-running-worker.py")

    worker.wait_for_log("Successfully completed job second-")
    with DataHubScheduler() as scheduler:
        scheduler.purge("short-running")
        scheduler.clear()
    assert "NOPERM" not in cron.output + worker.output

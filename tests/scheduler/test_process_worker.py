"""The worker scripts as real processes: how they start, end, crash and return."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, Retry
from rq.scheduler import RQScheduler

from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.settings import Settings
from rq_mon.state.live import live_workers
from scheduler import SHORT_RUNNING_QUEUE, DataHubScheduler, worker_process
from scheduler.supervised_worker import INTERVALS_UNTIL_ABANDONED, SupervisedWorker
from tests.harness import jobs
from tests.harness.processes import PROJECT_ROOT, Start
from tests.harness.workers import is_waiting_for_jobs

pytestmark = pytest.mark.slow

WORKER = "short-running-worker.py"
LOCK = RQScheduler.get_locking_key(SHORT_RUNNING_QUEUE)

WAIT_AND_BECOME = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
os.execv(sys.executable, [sys.executable, sys.argv[2]])
"""

NOTICED_WITHIN = 30
"""Seconds. With these settings it takes 5: missed heartbeats, maintenance, wait for jobs. RQ takes a minute
longer.
"""


@pytest.fixture
def scheduler(redis_client: Any) -> Iterator[DataHubScheduler]:
    with DataHubScheduler() as scheduler:
        yield scheduler


@pytest.fixture
def redis(scheduler: DataHubScheduler) -> Any:
    """A client whose answers mypy leaves alone: redis-py's types mix them with awaitables."""
    return scheduler.connection


def enqueue(scheduler: DataHubScheduler, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    return scheduler.enqueue(SHORT_RUNNING_QUEUE, function, *args, **options)


def wait_for(job: Any, *statuses: str, within: float = 90) -> None:
    wait_until(
        lambda: job.get_status() in statuses, f"job {job.id} to be {' or '.join(statuses)}", within=within
    )


@pytest.mark.parametrize("queue", ["short-running", "long-running"])
def test_each_script_works_its_queue_and_moves_its_delayed_jobs(
    scheduler: DataHubScheduler, start: Start, queue: str
) -> None:
    job = scheduler.enqueue(queue, jobs.fail_once, retry=Retry(1, [1]))

    worker = start(f"{queue}-worker.py")

    wait_for(job, "finished")
    name = f"rq:worker:{queue}-{socket.gethostname()}-{worker.pid}"
    assert live_workers(scheduler.connection, queue) == [name]


def test_sigterm_lets_the_running_job_end(scheduler: DataHubScheduler, start: Start, tmp_path: Path) -> None:
    end = tmp_path / "end"
    job = enqueue(scheduler, jobs.wait_for_file, str(end))
    waiting = enqueue(scheduler, jobs.sleep, 0)
    worker = start(WORKER)
    wait_for(job, "started")
    children = worker.children()

    worker.popen.send_signal(signal.SIGTERM)
    worker.wait_for_log("warm shut down requested")
    end.touch()

    assert worker.wait() == 0
    assert (job.get_status(), waiting.get_status()) == ("finished", "queued")
    assert live_workers(scheduler.connection, SHORT_RUNNING_QUEUE) == []
    assert psutil.wait_procs(children, timeout=40)[1] == []


def test_an_idle_worker_ends_at_once_on_a_signal(scheduler: DataHubScheduler, start: Start) -> None:
    worker = start(WORKER, RQ_WORKER_TTL_SECONDS="75")
    worker.wait_for_log("Listening on")

    assert worker.stop(within=60) < 30
    assert worker.popen.returncode == 0


@pytest.mark.parametrize("stage", ["started with PID", "Listening on", "Acquired scheduler lock"])
def test_a_starting_worker_ends_on_a_signal(scheduler: DataHubScheduler, start: Start, stage: str) -> None:
    worker = start(WORKER)
    worker.wait_for_log(stage)
    children = worker.children()

    worker.stop()

    assert worker.popen.returncode == 0
    assert live_workers(scheduler.connection, SHORT_RUNNING_QUEUE) == []
    assert psutil.wait_procs(children, timeout=40)[1] == []


def test_a_worker_waits_for_redis_to_come_up(own_redis: RedisServer, start: Start) -> None:
    worker = start(WORKER)
    worker.wait_for_log("Redis does not answer, waiting for it")

    own_redis.start()

    with DataHubScheduler() as scheduler:
        wait_for(enqueue(scheduler, jobs.sleep, 0), "finished")


def test_a_worker_that_waits_for_redis_ends_on_a_signal(own_redis: RedisServer, start: Start) -> None:
    worker = start(WORKER)
    worker.wait_for_log("Redis does not answer, waiting for it")

    worker.stop(within=60)
    assert worker.popen.returncode == 0


def test_while_redis_is_away_every_tenth_attempt_is_logged(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class ComesLate(Redis):
        attempts = 0

        def ping(self, **_: Any) -> bool:
            self.attempts += 1
            if self.attempts <= 25:
                raise RedisConnectionError("no route to host")
            return True

    monkeypatch.setattr(worker_process, "RETRY_SECONDS", 0.0)
    with unchanged_signals():
        worker_process._wait_for_redis(ComesLate())

    reported = "Redis does not answer, waiting for it: no route to host"
    assert caplog.messages == [reported] * 3


@contextmanager
def unchanged_signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_worker_that_cannot_sign_off_logs_it(redis_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    class LosesRedis(SupervisedWorker):
        def work(self, *_args: Any, **_kwargs: Any) -> bool:
            raise RedisConnectionError("no route to host")

    worker = LosesRedis(["mail"], connection=redis_client)
    with unchanged_signals():
        assert not worker_process._work(worker)

    assert caplog.messages == [f"Worker {worker.name}: cannot report that it stops: no route to host"]


def test_an_idle_worker_survives_a_restart_of_redis(own_redis: RedisServer, start: Start) -> None:
    own_redis.start()
    worker = start(WORKER)
    worker.wait_for_log("Listening on")

    own_redis.kill()
    worker.wait_for_log("could not connect to Redis instance")
    own_redis.start()

    with DataHubScheduler() as scheduler:
        wait_for(enqueue(scheduler, jobs.sleep, 0), "finished")
        # RQ's own scheduler ended because of it, and is restarted.
        wait_for(enqueue(scheduler, jobs.fail_once, retry=Retry(1, [1])), "finished")
    assert worker.popen.poll() is None


def test_a_job_survives_a_restart_of_redis(own_redis: RedisServer, start: Start, tmp_path: Path) -> None:
    own_redis.start()
    worker = start(WORKER)
    end = tmp_path / "end"
    with DataHubScheduler() as scheduler:
        job = enqueue(scheduler, jobs.wait_for_file, str(end))
        wait_for(job, "started")

        own_redis.kill()
        worker.wait_for_log("cannot report, its job continues")
        own_redis.start()
        end.touch()

        wait_for(job, "finished")
        assert job.latest_result().worker_name.endswith(f"-{worker.pid}")


@pytest.mark.e2e(seconds=15)
def test_a_worker_works_on_after_redis_was_frozen(own_redis: RedisServer, start: Start) -> None:
    own_redis.start()
    worker = start(WORKER)
    worker.wait_for_log("cleaning registries")

    own_redis.signal(signal.SIGSTOP)
    try:
        # RQ 2 gives up then, RQ 3 retries.
        wait_until(lambda: "imeout" in worker.output, "the worker to miss Redis", within=40)
    finally:
        own_redis.signal(signal.SIGCONT)

    with DataHubScheduler() as scheduler:
        wait_for(enqueue(scheduler, jobs.fail_once, retry=Retry(1, [1])), "finished")
    assert worker.popen.poll() is None


def test_a_job_whose_worker_and_horse_were_killed_is_retried(
    scheduler: DataHubScheduler, start: Start
) -> None:
    job = enqueue(scheduler, jobs.record_and_sleep, "run", 60, retry=Retry(1))
    worker = start(WORKER)
    wait_until(lambda: scheduler.connection.llen("trace") == 1, "the job to run")

    worker.kill()
    killed = time.monotonic()
    start(WORKER)

    wait_until(lambda: scheduler.connection.llen("trace") == 2, "the job to run again")
    assert time.monotonic() - killed < NOTICED_WITHIN
    assert scheduler.job(job.id).retries_left == 0


def test_a_killed_worker_is_noticed_even_if_every_other_worker_is_busy(
    scheduler: DataHubScheduler, start: Start
) -> None:
    job = enqueue(scheduler, jobs.record_and_sleep, "run", 60, retry=Retry(1))
    killed = start(WORKER)
    wait_for(job, "started")
    long_job = enqueue(scheduler, jobs.sleep, 60)
    start(WORKER)
    wait_for(long_job, "started")

    killed.kill()

    wait_for(job, "queued", within=NOTICED_WITHIN)
    assert long_job.get_status() == "started"
    assert len(scheduler.get_queue(SHORT_RUNNING_QUEUE).started_job_registry.get_job_ids(cleanup=False)) == 1


def test_by_default_a_killed_worker_is_noticed_within_a_minute() -> None:
    settings = Settings()
    until_abandoned = INTERVALS_UNTIL_ABANDONED * settings.job_monitoring_interval
    until_a_worker_looks = settings.maintenance_interval + max(
        settings.worker_ttl - 15,  # an idle one waits this long for a job
        settings.job_monitoring_interval,  # a busy one notices with its next heartbeat
    )

    assert until_abandoned + until_a_worker_looks < 60


def test_a_restarted_worker_takes_over_the_name_and_lock_of_the_killed_one(
    scheduler: DataHubScheduler, redis: Any, start: Start, tmp_path: Path
) -> None:
    """In a container the process id stays the same; here the registered id is changed to the next one's."""
    worker = start(WORKER)
    wait_until(lambda: redis.get(LOCK), "RQ's scheduler to have its lock")
    old_name = redis.get(LOCK).decode()
    worker.kill()
    ready = tmp_path / "ready"
    reborn = start("-c", WAIT_AND_BECOME, str(ready), WORKER)
    new_name = old_name.replace(str(worker.pid), str(reborn.pid))
    redis.rename(f"rq:worker:{old_name}", f"rq:worker:{new_name}")
    redis.hset(f"rq:worker:{new_name}", "pid", reborn.pid)
    redis.set(LOCK, new_name, keepttl=True)
    ready.touch()

    job = enqueue(scheduler, jobs.fail_once, retry=Retry(1, [1]))

    wait_for(job, "finished", within=45)  # RQ keeps the lock of a dead scheduler for 60 s
    assert "replaces the record of its previous run" in reborn.output
    assert redis.get(LOCK).decode() == new_name


def test_rqs_scheduler_ends_with_a_worker_that_is_killed(redis: Any, start: Start) -> None:
    worker = start(WORKER)
    worker.wait_for_log("Scheduler for short-running started")
    children = worker.children()

    worker.kill(with_children=False)

    assert children
    assert psutil.wait_procs(children, timeout=40)[1] == []
    assert redis.get(LOCK) is None


def test_redis_gives_no_job_to_a_killed_worker(scheduler: DataHubScheduler, redis: Any, start: Start) -> None:
    worker = start(WORKER, RQ_WORKER_TTL_SECONDS="75")  # it waits for a job for 60 s
    wait_until(lambda: is_waiting_for_jobs(redis), "the worker to wait for a job")

    worker.kill(with_children=False)
    wait_until(lambda: not is_waiting_for_jobs(redis), "Redis to see that it is gone", within=30)

    job = enqueue(scheduler, jobs.sleep, 0)
    assert scheduler.get_queue(SHORT_RUNNING_QUEUE).job_ids == [job.id]


def test_rqs_own_command_line_works_the_same_queues(scheduler: DataHubScheduler) -> None:
    job = enqueue(scheduler, jobs.add, 1, 2)
    rq = [str(Path(sys.executable).parent / "rq")]
    url = ["--url", os.environ["RQ_REDIS_URL"]]

    info = subprocess.run([*rq, "info", *url], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    subprocess.run(
        [*rq, "worker", "--burst", *url, SHORT_RUNNING_QUEUE],
        cwd=PROJECT_ROOT,
        capture_output=True,
        check=True,
    )

    assert SHORT_RUNNING_QUEUE in info.stdout
    assert job.return_value() == 3


def test_log_lines_have_one_style_and_never_contain_arguments(
    scheduler: DataHubScheduler, start: Start
) -> None:
    foreign = Queue(SHORT_RUNNING_QUEUE, connection=scheduler.connection)
    done = [
        enqueue(scheduler, jobs.record, "hunter2"),
        enqueue(scheduler, jobs.fail, args=("hunter2",)),
        foreign.enqueue(jobs.record, "hunter2"),
        foreign.enqueue(jobs.fail, "hunter2"),
    ]

    worker = start(WORKER, RQ_LOG_LEVEL="DEBUG")

    for job in done:
        wait_for(job, "finished", "failed")
    worker.stop()
    assert "hunter2" not in worker.output
    assert f"started job={done[0].id} queue=short-running function=tests.harness.jobs.record" in worker.output
    outside_tracebacks = [line for line in worker.output.splitlines() if re.match(r"[^\s\w]*\d{4}-", line)]
    style = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) +[\w.]+: ")
    assert [line for line in outside_tracebacks if not style.match(line)] == []


def test_invalid_settings_are_named(start: Start, redis_client: Any) -> None:
    worker = start(WORKER, RQ_WORKER_TTL_SECONDS="soon")

    assert worker.wait() == 1
    assert "RQ_WORKER_TTL_SECONDS: expected a whole number" in worker.output

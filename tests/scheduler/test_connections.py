"""The connections on which a process enqueues: few, shared by its threads, and never used by a fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from scheduler import SHORT_RUNNING_QUEUE, job_scheduler
from tests.harness import jobs

THREADS_THAT_BEGIN_TOGETHER = """
import threading
from scheduler import job_scheduler
found, barrier = [], threading.Barrier(9)
def enqueue():
    barrier.wait()
    found.extend(job_scheduler("os.getcwd") for _ in range(5))
threads = [threading.Thread(target=enqueue) for _ in range(9)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), len({id(job.connection) for job in found}))
"""

FORK_THAT_OUTLIVES_ITS_PARENT = """
import os, sys
from scheduler import job_scheduler
job_scheduler("os.getcwd")
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
    job_scheduler("os.getcwd")
os._exit(0)
"""

FORK_WHILE_A_THREAD_TAKES_A_CONNECTION = """
import os, signal, threading
from scheduler import job_scheduler
first = job_scheduler("os.getcwd")
locked, is_over = threading.Event(), threading.Event()
def hold():
    with first.connection.connection_pool._lock:
        locked.set()
        is_over.wait()
thread = threading.Thread(target=hold)
thread.start()
locked.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    second = job_scheduler("os.getcwd")
    os._exit(0 if (first.get_status(), second.get_status()) == ("queued", "queued") else 1)
print(os.waitpid(child, 0)[1])
is_over.set()
thread.join()
"""


def run(project_root: Path, program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=project_root, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_threads_that_start_together_share_a_client(redis_client: Any, project_root: Path) -> None:
    assert run(project_root, THREADS_THAT_BEGIN_TOGETHER) == "45 1"
    assert redis_client.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}") == 45


def test_a_fork_does_not_use_its_parents_connections(redis_client: Any, project_root: Path) -> None:
    before = {client["id"] for client in redis_client.client_list()}

    command = [sys.executable, "-c", FORK_THAT_OUTLIVES_ITS_PARENT]
    with subprocess.Popen(
        command, cwd=project_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "forked\n"
        wait_until(
            lambda: {client["id"] for client in redis_client.client_list()} <= before,
            "the connection of the parent to be closed",
        )
        process.stdin.close()
        wait_until(lambda: redis_client.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}") == 2, "the job of the fork")


def test_a_fork_does_not_wait_for_its_parents_locks(redis_client: Any, project_root: Path) -> None:
    assert run(project_root, FORK_WHILE_A_THREAD_TAKES_A_CONNECTION) == "0"


@pytest.mark.parametrize("jobs_between", [0, 3])
def test_a_connection_that_redis_closed_is_replaced(redis_client: Any, jobs_between: int) -> None:
    for _ in range(jobs_between):
        job_scheduler(jobs.sleep)
    redis_client.client_kill_filter(_type="normal", skipme=True)

    job_scheduler(jobs.sleep)

    assert redis_client.llen(f"rq:queue:{SHORT_RUNNING_QUEUE}") == jobs_between + 1


def test_many_calls_of_job_scheduler_use_one_connection(redis_client: Any) -> None:
    job_scheduler(jobs.sleep)
    before = redis_client.info("stats")["total_connections_received"]

    for _ in range(50):
        job_scheduler(jobs.sleep)

    assert redis_client.info("stats")["total_connections_received"] == before

"""The whole stack in a Docker Swarm of one node, which is created for these tests and ends with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from scheduler.queues import SHORT_RUNNING_QUEUE
from stack.services import (
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    SERVICES,
    SHORT_RUNNING_WORKER,
    VIEWER,
    Service,
)
from stack.settings import PROJECT_ROOT
from tests.stack.compose.one_node_swarm import make_swarm
from tests.stack.compose.swarm_stack import STARTS_WITHIN, SwarmStack

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=20)]

WRITE_IN_LEDGER = """
import rq, time
job = rq.get_current_job()
job.connection.hincrby("rq:test:ledger", job.id, 1)
time.sleep({seconds})
"""
"""The job: each execution leaves a mark."""

ENQUEUE = f"""
import json, sys
from scheduler import job_scheduler
text = '''{WRITE_IN_LEDGER.format(seconds=0.4)}'''
jobs = [job_scheduler(exec, function_args=(text,)) for _ in range(int(sys.argv[1]))]
print(json.dumps([job.id for job in jobs]))
"""

REPEAT = f"""
from scheduler import job_scheduler
job_scheduler(exec, function_args=('''{WRITE_IN_LEDGER.format(seconds=0)}''',), cron="* * * * * *")
"""

READ_LEDGER = """
import json, os, redis, rq
connection = redis.from_url(os.environ["RQ_REDIS_URL"])
ledger = {id.decode(): int(times) for id, times in connection.hgetall("rq:test:ledger").items()}
jobs = rq.job.Job.fetch_many(ledger, connection)
print(json.dumps({
    "executions": ledger,
    "statuses": {job.id: job.get_status(refresh=False).value for job in jobs if job},
    "queued": rq.Queue("short-running", connection=connection).count,
}))
"""

FORGET = """
import os, redis, rq
from scheduler import DataHubScheduler
connection = redis.from_url(os.environ["RQ_REDIS_URL"])
DataHubScheduler().cancel_cron_jobs()
connection.delete("rq:test:ledger")
"""

WORKERS_WANTED = SHORT_RUNNING_WORKER.number_variable or ""
UPDATES_WITHIN = 480.0
JOBS = 1000


@pytest.fixture(scope="module")
def one_node_swarm(engine: None) -> None:
    """A swarm that ends when all tests have ended."""
    if not make_swarm():
        pytest.skip("the Docker engine is in a swarm already")


@pytest.fixture(scope="module")
def swarm(
    one_node_swarm: None, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SwarmStack]:
    swarm = SwarmStack(project_root, tmp_path_factory.mktemp("swarm"))
    try:
        swarm.build()
        refused = swarm.make("swarm-deploy")
        assert "docker node update --label-add rq-mon-data=true" in refused.stdout
        node = swarm.docker("node", "inspect", "self", "--format", "{{.ID}}").strip()
        swarm.docker("node", "update", "--label-add", "rq-mon-data=true", node)
        swarm.deploy(version=1)
        swarm.start_client()
        left_out = swarm.without_what_cannot_be_had()
        wait_until_all_run(swarm, left_out)
        yield swarm
    finally:
        swarm.remove()


def wait_until_all_run(swarm: SwarmStack, left_out: list[str]) -> None:
    def waiting() -> dict[str, str]:
        replicas = swarm.replicas().items()
        return {name: text for name, text in replicas if name not in left_out and is_short_of(text)}

    wait_until(lambda: not waiting() or None, "all tasks to be healthy", within=STARTS_WITHIN, every=1)


def is_short_of(replicas: str) -> bool:
    running, wanted = replicas.split("/")
    return int(running) < int(wanted)


def read(swarm: SwarmStack) -> Any:
    """The ledger, and the number of jobs in each state."""
    return json.loads(swarm.python(READ_LEDGER))


def forget_what_ran(swarm: SwarmStack) -> None:
    swarm.python(FORGET)


@pytest.mark.usefixtures("engine")
def test_docker_accepts_every_line_of_the_printed_file() -> None:
    show = [sys.executable, "-m", "deploy.swarm", "--show"]
    shown = subprocess.run(show, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout

    read = subprocess.run(
        ["docker", "stack", "config", "--compose-file", "-"], input=shown, capture_output=True, text=True
    )

    assert read.returncode == 0, read.stderr
    assert "unsupported" not in read.stderr.lower()
    assert yaml.safe_load(read.stdout)["services"].keys() == json.loads(shown)["services"].keys()


def test_every_service_but_the_viewer_runs(swarm: SwarmStack) -> None:
    assert swarm.replicas().keys() == {s.name for s in SERVICES if s is not VIEWER}


@pytest.mark.parametrize("service", [REDIS, PROMETHEUS, RQ_EXPORTER], ids=lambda service: service.name)
def test_a_service_without_a_login_is_not_open_to_other_machines(swarm: SwarmStack, service: Service) -> None:
    (container,) = swarm.containers(service)

    assert not any(container["NetworkSettings"]["Ports"].values())


def test_a_container_can_write_only_where_it_must_and_has_limits(swarm: SwarmStack) -> None:
    (container, *_) = swarm.containers(SHORT_RUNNING_WORKER)

    assert container["HostConfig"]["ReadonlyRootfs"]
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["HostConfig"]["Memory"] == 512 * 2**20
    assert container["HostConfig"]["PidsLimit"] == 256
    assert [mount["Type"] for mount in container["HostConfig"]["Mounts"]] == ["tmpfs"]


def test_prometheus_shows_the_number_of_replicas(swarm: SwarmStack) -> None:
    def workers() -> list[float]:
        return swarm.metric(catalogue.QUEUE_WORKERS, queue=SHORT_RUNNING_QUEUE)

    wait_until(lambda: workers() == [1.0], "one worker in Prometheus", within=60, every=1)
    wait_until(lambda: swarm.metric(catalogue.CRON_SCHEDULERS) == [2.0], "two cron schedulers", every=1)

    swarm.scale(short_running_worker=4)

    wait_until(lambda: workers() == [4.0], "four workers in Prometheus", within=STARTS_WITHIN, every=1)
    assert len(swarm.containers(SHORT_RUNNING_WORKER)) == 4


def test_two_cron_schedulers_run_each_tick_once(swarm: SwarmStack) -> None:
    swarm.python(REPEAT)

    wait_until(lambda: len(read(swarm)["executions"]) >= 30, "thirty ticks", within=120, every=1)

    executions = read(swarm)["executions"]
    ticks = sorted(int(job.rpartition("-")[2]) for job in executions)
    assert set(executions.values()) == {1}
    assert ticks == list(range(ticks[0], ticks[-1] + 1)), "none is missing"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "message"),
    [
        ("prometheus/rules/queues.yml", "expr: ", "expr: ((", "prometheus/rules/queues.yml"),
        ("prometheus/alertmanager.yml", "group_by:", "group_byy:", "field group_byy not found"),
        ("objectives.yml", "queues:", "queuess:", "queuess"),
    ],
    ids=["rules", "alertmanager.yml", "objectives.yml"],
)
def test_an_error_is_reported_before_anything_is_updated(
    swarm: SwarmStack, file: str, right: str, wrong: str, message: str
) -> None:
    path = swarm.directory / file
    whole, before = path.read_text(), swarm.wanted()
    assert right in whole
    path.write_text(whole.replace(right, wrong, 1))
    try:
        refused = swarm.make("swarm-deploy", STACK=swarm.name)
    finally:
        path.write_text(whole)

    assert refused.returncode != 0
    assert "Nothing was changed. Fix this first:" in refused.stdout
    assert message in refused.stdout
    assert swarm.wanted() == before


def test_an_update_loses_no_job_and_runs_none_twice(swarm: SwarmStack) -> None:
    forget_what_ran(swarm)
    swarm.scale(short_running_worker=4)
    jobs = json.loads(swarm.python(ENQUEUE, JOBS))

    swarm.environment[WORKERS_WANTED] = "4"
    swarm.deploy(version=2)

    def updated() -> bool:
        assert "rollback" not in swarm.update_state(SHORT_RUNNING_WORKER)
        return swarm.update_state(SHORT_RUNNING_WORKER) == "completed"

    wait_until(updated, "the update to end", within=UPDATES_WITHIN, every=1)
    assert read(swarm)["queued"], "the update ended while jobs were waiting"

    def ended() -> bool:
        statuses = read(swarm)["statuses"]
        return all(statuses.get(job) == "finished" for job in jobs)

    wait_until(ended, "all jobs to end", within=UPDATES_WITHIN, every=2)
    executions = read(swarm)["executions"]
    assert {executions[job] for job in jobs} == {1}
    images = {container["Config"]["Image"] for container in swarm.containers(SHORT_RUNNING_WORKER)}
    assert images == {swarm.image(2)}

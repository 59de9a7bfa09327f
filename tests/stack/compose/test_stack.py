"""The whole stack in containers. The tests share it, and each leaves it healthy for the next."""

from __future__ import annotations

import os
import shlex
import time
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from redis import Redis
from rq.job import Job, JobStatus

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.ports import free_port
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from scheduler import job_scheduler
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.runtime import Health
from stack.services import REDIS, REDIS_EXPORTER, RQ_EXPORTER, SHORT_RUNNING_WORKER
from stack.settings import BACKUPS, PROJECT_ROOT
from tests.harness.rule_checks import errors_of_all_rules
from tests.harness.silencing import check_silencing
from tests.stack.compose.engine import restart_engine
from tests.stack.compose.restarts import restarted_since, started_containers

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=12)]

PAGE = PROJECT_ROOT / "docs" / "start" / "existing-prometheus.md"
REDIS_ON_THE_PAGE = "RQ_REDIS_URL=redis://127.0.0.1:6379/0"


def unhealthy(stack: ComposeStack) -> set[str]:
    states = stack.runtime.states().items()
    return {service.name for service, state in states if state.health is not Health.HEALTHY}


def wait_until_all_healthy(stack: ComposeStack) -> None:
    wait_until(lambda: not unhealthy(stack), "every service to be healthy", within=90, every=1)


def enqueue(queue: str) -> Job:
    job = job_scheduler(time.sleep, function_args=(0.01,), queue_name=queue)
    assert isinstance(job, Job)
    return job


def run_a_job(queue: str, within: float = 60) -> None:
    job = enqueue(queue)
    wait_until(lambda: job.get_status() == JobStatus.FINISHED, f"a job of {queue} to end", within=within)


def test_every_service_is_healthy_when_start_returns(stack: ComposeStack) -> None:
    states = stack.runtime.states()

    assert {service.name: state.health for service, state in states.items()} == {
        service.name: Health.HEALTHY for service in stack.runtime.services()
    }


def test_the_exporter_answers_on_this_machine(stack: ComposeStack) -> None:
    assert f"{catalogue.REDIS_UP.name} 1.0" in stack.page(RQ_EXPORTER, "/metrics")


def test_every_scrape_target_is_up(stack: ComposeStack) -> None:
    def targets_up() -> bool:
        targets = stack.targets()
        return len(targets) > 1 and set(targets.values()) == {"up"}

    wait_until(targets_up, "every scrape target to be up", within=60, every=1)
    expected = {"rq-exporter", "redis-exporter", "prometheus", "alertmanager", "grafana"}
    assert stack.targets().keys() == expected - ({"grafana"} if stack.has_viewer() else set())


def test_alerts_are_silenced_as_the_docs_say(stack: ComposeStack) -> None:
    check_silencing(stack)


def test_prometheus_evaluates_every_rule_without_an_error(stack: ComposeStack) -> None:
    assert errors_of_all_rules(lambda: stack.ask_prometheus("rules")["groups"]) == []


@pytest.mark.parametrize("queue", [SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE])
def test_a_job_runs_and_shows_in_prometheus(stack: ComposeStack, redis: Redis, queue: str) -> None:
    processed = f'{catalogue.JOBS_PROCESSED.name}{{queue="{queue}"}}'
    before = stack.sum_of(processed)

    run_a_job(queue)

    wait_until(lambda: stack.sum_of(processed) > before, f"{processed} to grow", within=60, every=1)


def test_workers_scale_up_and_down_after_their_jobs_and_other_containers_stay(
    stack: ComposeStack, redis: Redis
) -> None:
    workers = f'{catalogue.QUEUE_WORKERS.name}{{queue="{SHORT_RUNNING_QUEUE}"}}'
    before = started_containers(stack)

    up = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3")

    assert up.returncode == 0, up.stdout
    assert before.items() < started_containers(stack).items()
    wait_until(lambda: stack.sum_of(workers) == 3, "three workers in Prometheus", within=60, every=1)
    again = stack.make("start-rq-mon")
    assert again.returncode == 0, again.stdout
    assert len(stack.containers(SHORT_RUNNING_WORKER)) == 3, "starting again keeps the number"

    running = [job_scheduler(time.sleep, function_args=(8,), max_retries=None) for _ in range(3)]
    wait_until(
        lambda: all(Job.fetch(job.id, redis).get_status() == JobStatus.STARTED for job in running),
        "every worker to be busy",
    )
    down = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="1")

    assert down.returncode == 0, down.stdout
    assert len(stack.containers(SHORT_RUNNING_WORKER)) == 1
    assert started_containers(stack).items() <= before.items(), "the first one stays, and all others"
    wait_until(
        lambda: all(Job.fetch(job.id, redis).get_status() == JobStatus.FINISHED for job in running),
        "every job to finish",
    )
    wait_until(lambda: stack.sum_of(workers) == 1, "one worker in Prometheus", within=60, every=1)
    assert stack.sum_of("min(min_over_time(rq_worker_expires_in_seconds[10m]))") >= 30, "none is lost"


def test_a_killed_worker_is_restarted_and_runs_jobs(stack: ComposeStack, redis: Redis) -> None:
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)

    stack.kill_all_processes(worker)

    def restarted() -> bool:
        (now,) = stack.containers(SHORT_RUNNING_WORKER)
        return bool(now["RestartCount"] > worker["RestartCount"] and now["State"]["Running"])

    wait_until(restarted, "the engine to restart the worker")
    run_a_job(SHORT_RUNNING_QUEUE)


def test_one_service_is_stopped_and_restarted_alone(stack: ComposeStack) -> None:
    before = started_containers(stack)

    stopped = stack.make("stop-rq-mon", SERVICE=REDIS_EXPORTER.name)
    assert stopped.returncode == 0, stopped.stdout
    assert unhealthy(stack) == {REDIS_EXPORTER.name}

    restarted = stack.make("restart", SERVICE=REDIS_EXPORTER.name)
    assert restarted.returncode == 0, restarted.stdout
    assert restarted_since(stack, before) == {REDIS_EXPORTER.name}
    assert unhealthy(stack) == set()


def test_the_stack_recovers_from_an_outage_of_redis(stack: ComposeStack, redis: Redis) -> None:
    job = enqueue(SHORT_RUNNING_QUEUE)

    stack.compose("stop", REDIS.name)
    wait_until(
        lambda: f"{catalogue.REDIS_UP.name} 0.0" in stack.page(RQ_EXPORTER, "/metrics"),
        "the exporter to say that Redis is down",
    )
    stack.compose("start", REDIS.name)

    wait_until(
        lambda: f"{catalogue.REDIS_UP.name} 1.0" in stack.page(RQ_EXPORTER, "/metrics"),
        "the exporter to see Redis again",
    )
    assert job.get_status() is not None, "what was enqueued is still there"
    run_a_job(SHORT_RUNNING_QUEUE, within=120)
    run_a_job(LONG_RUNNING_QUEUE, within=120)
    wait_until_all_healthy(stack)


def test_commands_on_the_stack_of_another_clone_are_refused_by_its_folder(
    stack: ComposeStack, project_root: Path, tmp_path: Path
) -> None:
    """A second clone with the project name of the first touches nothing of it."""
    second = ComposeStack(project_root, tmp_path)
    second.environment |= {"COMPOSE_PROJECT_NAME": stack.project, "RQ_MON_IMAGE": stack.image}
    before = {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()}

    for target in ("start-rq-mon", "status", "stop-rq-mon", "backup", "restore", "clean"):
        refused = second.make(target, YES="1", FILE=str(tmp_path / BACKUPS.name / "one.zip"))
        assert refused.returncode != 0, refused.stdout
        assert f"belongs to the clone in {stack.directory}" in refused.stdout

    assert {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()} == before
    del second.environment["RUNTIME"]
    stopped = second.make("stop-rq-mon")
    assert stopped.returncode == 0, stopped.stdout
    assert {container["Id"]: container["State"]["StartedAt"] for container in stack.containers()} == before


def test_the_exporter_runs_from_the_image_as_the_page_says(stack: ComposeStack) -> None:
    (line,) = (
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("docker run")
    )
    port = free_port()
    here = {
        "rq-mon:local": stack.image,
        REDIS_ON_THE_PAGE: f"RQ_REDIS_URL={stack.redis_url()}",
        "--detach": f"--detach --env=RQ_EXPORTER_PORT={port}",
    }
    docker, *words = shlex.split(line)
    assert docker == "docker"
    assert here.keys() <= set(words)

    container = stack.docker(*(part for word in words for part in here.get(word, word).split())).strip()

    def metrics() -> str:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    try:
        text = wait_until(metrics, "the exporter in its container")
        assert "rq_redis_up 1.0" in text.splitlines()
    finally:
        stack.docker("rm", "--force", container)


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="restarts the engine; only CI's has no other user")
def test_all_services_not_stopped_by_hand_start_again_with_the_engine(
    stack: ComposeStack, redis: Redis, engine_alone: None
) -> None:
    """As after a reboot: the engine starts all containers at once, and no one runs make."""
    waiting = job_scheduler(time.sleep, function_args=(0.01,), time_delta=timedelta(seconds=5))
    assert isinstance(waiting, Job)
    stack.compose("stop", REDIS_EXPORTER.name)
    before = started_containers(stack)

    restart_engine()

    stopped = {REDIS_EXPORTER.name}
    wait_until(lambda: not unhealthy(stack) - stopped, "the others to be healthy", within=300, every=1)
    assert restarted_since(stack, before) == {service.name for service in stack.runtime.services()} - stopped
    assert unhealthy(stack) == stopped
    wait_until(lambda: waiting.get_status() == JobStatus.FINISHED, "the delayed job to end", within=120)
    run_a_job(LONG_RUNNING_QUEUE, within=120)
    wait_until(lambda: stack.sum_of("rq_redis_up") == 1, "Prometheus to read the exporter", within=120)
    stack.compose("start", REDIS_EXPORTER.name)
    wait_until_all_healthy(stack)

"""The whole stack in containers. The tests share it, and each leaves it healthy for the next."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from rq.job import Job, JobStatus

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.waiting import wait_until
from rq_mon import catalogue
from rq_mon.connection.client import connect
from scheduler import job_scheduler
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE
from stack.dotenv import set_variable
from stack.redis_users import USERS
from stack.runtime import Health
from stack.services import (
    ALERTMANAGER,
    CRON_SCHEDULER,
    LONG_RUNNING_WORKER,
    PREVIEW,
    PROMETHEUS,
    REDIS,
    RQ_EXPORTER,
    SHORT_RUNNING_WORKER,
    Service,
)
from stack.variables import BIND_ADDRESS, REDIS_URL
from tests.harness.rule_checks import errors_of_all_rules
from tests.harness.surface import REFUSED, secret_files, secrets_of, shown
from tests.harness.surface import status_of as http_status

pytestmark = [pytest.mark.compose, pytest.mark.slow]


@pytest.fixture
def redis(stack: ComposeStack, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A client of the stack's Redis, which job_scheduler() uses too."""
    url = stack.redis_url()
    monkeypatch.setenv(REDIS_URL, url)
    return connect(url)


def wait_until_all_healthy(stack: ComposeStack) -> None:
    def unhealthy() -> list[str]:
        states = stack.runtime.states().items()
        return [f"{s.name}: {state}" for s, state in states if state.health is not Health.HEALTHY]

    wait_until(lambda: not unhealthy() or None, "every service to be healthy", within=90, every=1)


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
    assert stack.targets().keys() == expected - ({"grafana"} if stack.has_preview() else set())


def test_prometheus_evaluates_every_rule_without_an_error(stack: ComposeStack) -> None:
    assert errors_of_all_rules(lambda: stack.ask_prometheus("rules")["groups"]) == []


@pytest.mark.parametrize("queue", [SHORT_RUNNING_QUEUE, LONG_RUNNING_QUEUE])
def test_a_job_runs_and_shows_in_prometheus(stack: ComposeStack, redis: Redis, queue: str) -> None:
    processed = f'{catalogue.JOBS_PROCESSED.name}{{queue="{queue}"}}'
    before = stack.sum_of(processed)

    run_a_job(queue)

    wait_until(lambda: stack.sum_of(processed) > before, f"{processed} to grow", within=60, every=1)


def started_containers(stack: ComposeStack) -> dict[str, str]:
    """When each container was started, by its id."""
    return {container["Id"]: container["State"]["StartedAt"] for container in stack.long_running()}


def restarted_since(stack: ComposeStack, before: dict[str, str]) -> set[str]:
    """The services of which a container was started, or made anew."""
    return {
        container["Config"]["Labels"]["com.docker.compose.service"]
        for container in stack.long_running()
        if before.get(container["Id"]) != container["State"]["StartedAt"]
    }


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("objectives.yml", RQ_EXPORTER),
        ("prometheus/rules/workers.yml", PROMETHEUS),
        ("prometheus/prometheus.yml", PROMETHEUS),
        ("prometheus/alertmanager.yml", ALERTMANAGER),
    ],
)
def test_a_changed_file_restarts_what_reads_it_and_nothing_else(
    stack: ComposeStack, file: str, concerned: Service
) -> None:
    before, path = started_containers(stack), stack.directory / file
    replacement = path.with_suffix(".new")
    replacement.write_text(path.read_text() + "\n# a change\n")
    replacement.rename(path)  # as editors and git do

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    assert restarted_since(stack, before) == {concerned.name}
    (container,) = stack.containers(concerned)
    inside = next(
        mount["Destination"] for mount in container["Mounts"] if path.is_relative_to(mount["Source"])
    )
    assert "# a change" in stack.inside(
        container, "cat", inside if Path(inside).suffix else f"{inside}/{path.name}"
    )


@pytest.mark.parametrize(
    ("variable", "value", "concerned"),
    [
        ("RQ_WORKER_TTL_SECONDS", "30", {SHORT_RUNNING_WORKER.name, LONG_RUNNING_WORKER.name}),
        ("PROMETHEUS_RETENTION_TIME", "20d", {PROMETHEUS.name}),
    ],
)
def test_a_changed_setting_restarts_what_reads_it_and_nothing_else(
    stack: ComposeStack, variable: str, value: str, concerned: set[str]
) -> None:
    before = started_containers(stack)
    set_variable(stack.directory / ".env", variable, value)

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    assert restarted_since(stack, before) == concerned


def test_another_image_is_run_by_the_next_start_alone_and_so_is_the_way_back(stack: ComposeStack) -> None:
    before = started_containers(stack)
    (old,) = (container["Config"]["Image"] for container in stack.containers(ALERTMANAGER))
    new = f"{stack.project}-alertmanager:next"
    stack.docker("tag", old, new)
    try:
        set_variable(stack.directory / ".env", "ALERTMANAGER_IMAGE", new)
        assert stack.make("start-rq-mon").returncode == 0
        assert restarted_since(stack, before) == {ALERTMANAGER.name}
        (upgraded,) = stack.containers(ALERTMANAGER)
        assert upgraded["Config"]["Image"] == new

        before = started_containers(stack)
        set_variable(stack.directory / ".env", "ALERTMANAGER_IMAGE", old)
        assert stack.make("start-rq-mon").returncode == 0
        assert restarted_since(stack, before) == {ALERTMANAGER.name}
        assert [container["Config"]["Image"] for container in stack.containers(ALERTMANAGER)] == [old]
    finally:
        stack.docker("image", "rm", new)


def test_our_own_code_is_built_and_run_anew_by_the_next_start(stack: ComposeStack) -> None:
    before = started_containers(stack)
    changed = stack.directory / "scheduler" / "queues.py"
    changed.write_text(changed.read_text() + "\n# a change\n")

    again = stack.make("start-rq-mon")

    assert again.returncode == 0, again.stdout
    ours = {SHORT_RUNNING_WORKER, LONG_RUNNING_WORKER, CRON_SCHEDULER, RQ_EXPORTER}
    assert restarted_since(stack, before) - {PREVIEW.name} == {service.name for service in ours}
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)
    assert "# a change" in stack.inside(worker, "cat", "scheduler/queues.py")


def test_workers_scale_up_and_down_after_their_jobs_while_all_others_stay(
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


def test_a_killed_worker_is_restarted_and_works_on(stack: ComposeStack, redis: Redis) -> None:
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)

    stack.kill_all_processes(worker)

    def restarted() -> bool:
        (now,) = stack.containers(SHORT_RUNNING_WORKER)
        return bool(now["RestartCount"] > worker["RestartCount"] and now["State"]["Running"])

    wait_until(restarted, "the engine to restart the worker")
    run_a_job(SHORT_RUNNING_QUEUE)


def test_the_stack_recovers_when_redis_was_away(stack: ComposeStack, redis: Redis) -> None:
    job = enqueue(SHORT_RUNNING_QUEUE)

    stack.compose("stop", REDIS.name)
    wait_until(
        lambda: f"{catalogue.REDIS_UP.name} 0.0" in stack.page(RQ_EXPORTER, "/metrics"),
        "the exporter to say that Redis is away",
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


def test_containers_are_hardened(stack: ComposeStack) -> None:
    containers = stack.long_running()

    assert len(containers) == len(stack.runtime.services())
    for container in containers:
        host, name = container["HostConfig"], container["Name"]
        assert container["Config"]["User"].partition(":")[0] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["CapAdd"] is None, name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        assert host["Privileged"] is False, name
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["RestartPolicy"]["Name"] == "unless-stopped", name
        assert host["LogConfig"]["Config"]["max-size"], name
        for bindings in container["NetworkSettings"]["Ports"].values():
            assert {binding["HostIp"] for binding in bindings or ()} <= {BIND_ADDRESS}, name


def test_what_runs_in_a_container_can_neither_change_it_nor_gain_rights(stack: ComposeStack) -> None:
    for service in (REDIS, SHORT_RUNNING_WORKER, PROMETHEUS):
        (container,) = stack.containers(service)

        status = stack.inside(container, "cat", "/proc/1/status")
        assert "CapEff:\t0000000000000000" in status, service.name
        assert "NoNewPrivs:\t1" in status, service.name
        mounts = stack.inside(container, "cat", "/proc/1/mounts").splitlines()
        assert any(mount.split()[1] == "/" and mount.split()[3].startswith("ro,") for mount in mounts)


def test_no_password_is_shown_by_the_engine_or_in_a_log(stack: ComposeStack) -> None:
    containers = stack.containers()

    texts = [json.dumps(container) for container in containers]
    texts += [stack.docker("logs", container["Id"]) for container in containers]
    texts += [stack.docker("top", container["Id"], "-eo", "pid,args") for container in stack.long_running()]
    assert shown(secrets_of(stack), texts) == []


def test_passwords_are_for_the_owner_of_the_project_only(stack: ComposeStack) -> None:
    files, owner = secret_files(stack), stack.directory.stat().st_uid

    assert {path.name for path in files} >= {user.secret for user in USERS}
    assert {(path.stat().st_mode & 0o777, path.stat().st_uid) for path in files} == {(0o600, owner)}
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("service", [REDIS, SHORT_RUNNING_WORKER, RQ_EXPORTER], ids=lambda each: each.name)
def test_a_container_reads_its_own_passwords_and_no_other_user_does(
    stack: ComposeStack, service: Service
) -> None:
    (container,) = stack.containers(service)

    user = stack.inside(container, "id", "-u").strip()
    modes = stack.inside(container, "sh", "-c", "stat -c '%a %u' /run/access/*").splitlines()
    assert set(modes) == {f"400 {user}"}


def test_redis_knows_nobody_without_a_password(stack: ComposeStack) -> None:
    with Redis(port=stack.settings.port(REDIS)) as stranger, pytest.raises(AuthenticationError):
        stranger.flushall()


@pytest.mark.parametrize(("service", "method", "path"), REFUSED, ids=lambda each: getattr(each, "name", each))
def test_a_request_that_nobody_may_make_is_refused(
    stack: ComposeStack, service: Service, method: str, path: str
) -> None:
    status, body = http_status(stack, service, method, path)

    assert status >= 400 or "root:" not in body
    if service is PROMETHEUS:
        assert status >= 400


def test_our_image_holds_compiled_code_and_nothing_to_build_with(stack: ComposeStack) -> None:
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)

    programs = "import shutil; print([p for p in ('pip', 'gcc', 'cc', 'make') if shutil.which(p)])"
    assert stack.inside(worker, "python", "-c", programs).strip() == "[]"
    assert ".pyc" in stack.inside(worker, "ls", "scheduler/__pycache__")


def test_a_stop_with_a_thousand_jobs_in_flight_loses_none_and_runs_none_twice(
    stack: ComposeStack, redis: Redis
) -> None:
    scaled = stack.make("scale", QUEUE=SHORT_RUNNING_QUEUE, WORKERS="3")
    assert scaled.returncode == 0, scaled.stdout
    counted = f'{catalogue.JOBS_PROCESSED.name}{{queue="{SHORT_RUNNING_QUEUE}",function="time.sleep"}}'
    before = stack.sum_of(counted)
    enqueued = [
        job_scheduler(time.sleep, function_args=(0.5 if number % 100 == 0 else 0.01,)).id
        for number in range(1000)
    ]

    def finished() -> list[Job]:
        jobs = [job for job in Job.fetch_many(enqueued, connection=redis) if job]
        return [job for job in jobs if job.get_status(refresh=False) == JobStatus.FINISHED]

    wait_until(lambda: len(finished()) >= 150, "150 jobs to end", within=120, every=1)
    stopped = stack.make("stop-rq-mon")
    assert stopped.returncode == 0, stopped.stdout
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert len(finished()) < 1000, "some were still queued when it stopped"

    wait_until(lambda: len(finished()) == 1000, "all jobs to finish", within=300, every=1)
    assert [len(job.results()) for job in finished()] == [1] * 1000
    wait_until(
        lambda: stack.sum_of(counted) - before == 1000, f"{counted} to grow by 1000", within=60, every=1
    )


def test_what_was_backed_up_while_it_ran_is_there_after_clean_and_restore(
    stack: ComposeStack, redis: Redis, tmp_path: Path
) -> None:
    failed = job_scheduler("application.missing", max_retries=None)
    queued = job_scheduler(time.sleep, function_args=(1,), queue_name="unworked")
    later = job_scheduler(time.sleep, function_args=(1,), queue_name="unworked", time_delta=timedelta(days=1))
    states = {failed.id: JobStatus.FAILED, queued.id: JobStatus.QUEUED, later.id: JobStatus.SCHEDULED}

    def now() -> dict[str, JobStatus]:
        with connect(stack.redis_url()) as client:  # clean takes the passwords away as well
            return {job.id: job.get_status() for job in Job.fetch_many(states, connection=client) if job}

    wait_until(lambda: now() == states, "the job to fail")
    counted = f'{catalogue.JOBS_PROCESSED.name}{{function="application.missing"}}'
    wait_until(lambda: stack.sum_of(counted) == 1, "the failure in Prometheus", within=60, every=1)
    moment, before, file = time.time(), started_containers(stack), tmp_path / "backup.zip"

    backup = stack.make("backup", FILE=str(file))

    assert backup.returncode == 0, backup.stdout
    (prometheus,) = stack.containers(PROMETHEUS)
    restarted = started_containers(stack).items() - before.items()
    assert restarted == {(prometheus["Id"], prometheus["State"]["StartedAt"])}, "all others went on"
    refused = stack.make("restore", FILE=str(file), YES="1")
    assert "The stack runs. Stop it first" in refused.stdout
    assert stack.make("clean", YES="1").returncode == 0
    assert stack.volumes() == []
    restored = stack.make("restore", FILE=str(file), YES="1")
    assert restored.returncode == 0, restored.stdout
    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert now() == states
    assert 'function="application.missing"' in stack.page(RQ_EXPORTER, "/metrics")
    assert stack.sum_of(f"{counted} @ {moment:.3f}") == 1, "what Prometheus knew before the backup"


def test_stop_keeps_the_data_and_clean_removes_it(stack: ComposeStack, redis: Redis) -> None:
    job = enqueue(SHORT_RUNNING_QUEUE)
    volumes = stack.volumes()
    assert volumes

    stopped = stack.make("stop-rq-mon")

    assert stopped.returncode == 0, stopped.stdout
    assert stack.containers() == []
    assert stack.volumes() == volumes

    started = stack.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    assert job.get_status() is not None

    cleaned = stack.make("clean", YES="1")
    assert cleaned.returncode == 0, cleaned.stdout
    assert stack.containers() == []
    assert stack.volumes() == []
    assert stack.networks() == []
    assert stack.built_images() == []
    assert not (stack.directory / ".rq-mon").exists()
    assert "docker image rm" in cleaned.stdout
    assert "rm -r .venv" in cleaned.stdout

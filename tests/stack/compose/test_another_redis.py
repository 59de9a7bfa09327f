"""In containers, too, the stack can watch an application's Redis, without changing it.

One Redis uses TLS, requires a client certificate, and gives the stack only the rights that it needs. Another
has one password for all.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from rq_mon.catalogue import JOBS, REDIS_UP
from rq_mon.connection.client import connect
from rq_mon.settings import Settings
from stack.secrets import WEB_PASSWORD
from stack.services import APPLICATION_SERVICES, RQ_MON_WEB
from stack.variables import REDIS_PASSWORD_FILE, REDIS_TLS_FILES, REDIS_URL, REDIS_USERNAME
from tests.harness.exporter_user import NAME, PASSWORD, create_exporter_user
from tests.harness.surface import secrets_of
from tests.harness.tls_redis import Certificates, TlsRedisServer
from tests.harness.web import Operator

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=60), pytest.mark.needs("redis-server")]

GATEWAY = ("docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")


@pytest.fixture
def machine(engine: None) -> str:
    """The address of this machine for containers."""
    return subprocess.run(GATEWAY, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def variables(machine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables with the application's Redis and the stack's user in it."""
    directory = tmp_path_factory.mktemp("application")
    own = Certificates(directory / "certificates", machine, "127.0.0.1")
    files = dict(zip(REDIS_TLS_FILES, map(str, (own.ca, own.client_cert, own.client_key)), strict=True))
    with TlsRedisServer(directory, own, "--bind", machine, "127.0.0.1", asks_clients=True) as server:
        with application(server, files) as redis:
            create_exporter_user(redis)
            redis.execute_command("ACL", "SETUSER", "default", f">{PASSWORD}")
        (directory / "password").write_text(PASSWORD)
        yield {
            REDIS_URL: f"rediss://{machine}:{server.port}/0",
            REDIS_USERNAME: NAME,
            REDIS_PASSWORD_FILE: str(directory / "password"),
            **files,
        }


def application(server: TlsRedisServer, files: dict[str, str]) -> Redis:
    return connect(Settings.from_environment({REDIS_URL: server.url, **files}).redis_url)


@pytest.fixture
def stack(project_root: Path, variables: dict[str, str], tmp_path: Path) -> Iterator[ComposeStack]:
    stack = ComposeStack(project_root, tmp_path, **variables)
    yield stack
    stack.remove()


def content_of(client: Any) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}


def test_shows_the_queues_of_an_application_and_does_not_change_its_redis(
    stack: ComposeStack, variables: dict[str, str]
) -> None:
    as_application = {**variables, REDIS_USERNAME: "default"}
    redis = connect(Settings.from_environment(as_application).redis_url)
    Queue("application", connection=redis).enqueue("application.tasks.run")
    before = content_of(redis)

    started = stack.make("start-rq-mon")

    assert started.returncode == 0, started.stdout
    assert "the stack watches that Redis" in started.stdout
    running = {each["Config"]["Labels"]["com.docker.compose.service"] for each in stack.containers()}
    assert not running & {service.name for service in APPLICATION_SERVICES}
    is_queued = f'{JOBS.name}{{queue="application",status="queued"}} == 1'
    for condition in (is_queued, f"{REDIS_UP.name} == 1", "redis_up == 1"):
        wait_until(partial(stack.sum_of, condition), f"{condition} in Prometheus", within=120, every=0.5)
    assert content_of(redis) == before
    redis.close()


@pytest.fixture
def one_password(machine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables for a Redis with one password and no users."""
    directory = tmp_path_factory.mktemp("simple")
    (directory / "password").write_text(f"{PASSWORD}\n")
    with RedisServer(directory, "--bind", machine, "127.0.0.1", "--requirepass", PASSWORD) as server:
        yield {
            REDIS_URL: f"redis://{machine}:{server.port}/0",
            REDIS_PASSWORD_FILE: str(directory / "password"),
        }


def test_one_password_in_a_file_is_enough_for_exporters_and_the_job_pages(
    one_password: dict[str, str], project_root: Path, tmp_path: Path
) -> None:
    redis = connect(Settings.from_environment(one_password).redis_url)
    Queue("application", connection=redis).enqueue("application.tasks.run")
    stack = ComposeStack(project_root, tmp_path, **one_password)
    try:
        started = stack.make("start-rq-mon")

        assert started.returncode == 0, started.stdout
        is_queued = f'{JOBS.name}{{queue="application",status="queued"}} == 1'
        for condition in (is_queued, f"{REDIS_UP.name} == 1", "redis_up == 1"):
            wait_until(partial(stack.sum_of, condition), f"{condition} in Prometheus", within=120, every=0.5)
        operator = Operator(stack.url(RQ_MON_WEB))
        assert operator.log_in(secrets_of(stack)[WEB_PASSWORD]).status_code == 200
        assert "application.tasks.run" in operator.get("/queue", name="application")
        reported = stack.docker("inspect", *(container["Id"] for container in stack.containers()))
        assert PASSWORD not in reported
    finally:
        stack.remove()
        redis.close()

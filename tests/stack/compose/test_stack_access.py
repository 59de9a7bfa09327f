"""What a stranger cannot see or do on the stack in containers."""

from __future__ import annotations

import json

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from proofs.harness.compose_stack import ComposeStack
from stack.redis_users import USERS
from stack.services import PROMETHEUS, REDIS, RQ_EXPORTER, SHORT_RUNNING_WORKER, Service
from stack.variables import BIND_ADDRESS
from tests.harness.surface import REFUSED, secret_files, secrets_of, shown
from tests.harness.surface import status_of as http_status

pytestmark = [pytest.mark.compose, pytest.mark.slow(seconds=4)]


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


def test_a_process_in_a_container_can_neither_change_it_nor_gain_rights(stack: ComposeStack) -> None:
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


def test_only_the_owner_of_the_project_can_read_the_passwords(stack: ComposeStack) -> None:
    files, owner = secret_files(stack), stack.directory.stat().st_uid

    assert {path.name for path in files} >= {user.secret for user in USERS}
    assert {(path.stat().st_mode & 0o777, path.stat().st_uid) for path in files} == {(0o600, owner)}
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("service", [REDIS, SHORT_RUNNING_WORKER, RQ_EXPORTER], ids=lambda each: each.name)
def test_only_the_user_of_a_container_reads_its_passwords(stack: ComposeStack, service: Service) -> None:
    (container,) = stack.containers(service)

    user = stack.inside(container, "id", "-u").strip()
    modes = stack.inside(container, "sh", "-c", "stat -c '%a %u' /run/access/*").splitlines()
    assert set(modes) == {f"400 {user}"}


def test_redis_refuses_every_client_without_a_password(stack: ComposeStack) -> None:
    with Redis(port=stack.settings.port(REDIS)) as stranger, pytest.raises(AuthenticationError):
        stranger.flushall()


@pytest.mark.parametrize(("service", "method", "path"), REFUSED, ids=lambda each: getattr(each, "name", each))
def test_a_forbidden_request_is_refused(
    stack: ComposeStack, service: Service, method: str, path: str
) -> None:
    status, body = http_status(stack, service, method, path)

    assert status >= 400 or "root:" not in body
    if service is PROMETHEUS:
        assert status >= 400


def test_our_image_contains_compiled_code_and_no_build_tools(stack: ComposeStack) -> None:
    (worker,) = stack.containers(SHORT_RUNNING_WORKER)

    programs = "import shutil; print([p for p in ('pip', 'gcc', 'cc', 'make') if shutil.which(p)])"
    assert stack.inside(worker, "python", "-c", programs).strip() == "[]"
    assert ".pyc" in stack.inside(worker, "ls", "scheduler/__pycache__")

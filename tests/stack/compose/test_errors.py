"""The errors of a start that cannot run the stack in containers."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from proofs.harness.compose_stack import ComposeStack
from proofs.harness.ports import free_port
from stack.compose import ComposeRuntime
from stack.compose.docker import MINIMUM_ENGINE, Docker, check_version
from stack.runtime import StackError
from stack.services import PROMETHEUS, RQ_EXPORTER
from stack.settings import load_settings
from stack.variables import BIND_ADDRESS, REDIS_URL
from tests.harness.tls_redis import Certificates


def test_without_a_docker_command_there_is_no_engine() -> None:
    docker = Docker({"PATH": "/nowhere"})

    assert not docker.engine_answers()
    with pytest.raises(StackError, match="no docker command"):
        docker.check_versions()


def test_an_old_engine_is_refused_with_both_versions() -> None:
    with pytest.raises(StackError, match=r"Docker Engine is 20\.10\.24\+dfsg1; 25\.0 or newer is needed"):
        check_version("Docker Engine", "20.10.24+dfsg1", MINIMUM_ENGINE)


def test_a_supported_engine_is_accepted() -> None:
    check_version("Docker Engine", "28.5.2+dfsg4\n", MINIMUM_ENGINE)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:7000/0",
        "redis://127.0.0.1:7000",
        "unix:///run/redis.sock",
        "redis+sentinel://queues.example,127.0.0.1/queues",
    ],
)
def test_a_redis_that_no_container_can_reach_is_refused(url: str) -> None:
    runtime = ComposeRuntime(load_settings({REDIS_URL: url}))

    with pytest.raises(StackError, match=f"{REDIS_URL}: expected an address that containers can reach"):
        runtime.start()


def test_certificates_in_the_address_are_refused_because_containers_cannot_read_them(tmp_path: Path) -> None:
    own = Certificates(tmp_path, "queues.example")
    url = f"rediss://:secret@queues.example?ssl_ca_certs={own.ca}"

    with pytest.raises(StackError, match=r"RQ_REDIS_CA_FILE, .* pass the files to containers") as error:
        ComposeRuntime(load_settings({REDIS_URL: url})).start()

    assert "secret" not in str(error.value)


@pytest.mark.compose
def test_an_engine_that_does_not_answer_counts_as_none(engine: None) -> None:
    docker = Docker({**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{free_port()}"})

    assert not docker.engine_answers()
    with pytest.raises(StackError, match="Cannot connect to the Docker daemon"):
        docker.check_versions()


@pytest.mark.compose
def test_a_missing_image_is_named_with_the_variable_that_changes_it(
    engine: None, project_root: Path, tmp_path: Path
) -> None:
    stack = ComposeStack(project_root, tmp_path, PYTHON_IMAGE="registry.invalid/python:3.13-slim")

    started = stack.make("start-rq-mon")

    assert started.returncode != 0
    assert "registry.invalid/python:3.13-slim" in started.stdout
    assert "PYTHON_IMAGE" in started.stdout
    assert "RUNTIME=native" in started.stdout
    assert stack.containers() == []


@pytest.mark.compose
def test_a_port_in_use_is_named_with_the_variable_that_changes_it(
    engine: None, project_root: Path, tmp_path: Path
) -> None:
    stack = ComposeStack(project_root, tmp_path)
    port = stack.settings.port(PROMETHEUS)
    with socket.create_server((BIND_ADDRESS, port)):
        started = stack.make("start-rq-mon")

    assert started.returncode != 0
    assert str(port) in started.stdout
    assert "PROMETHEUS_PORT" in started.stdout
    assert stack.containers() == []


@pytest.mark.compose
@pytest.mark.slow(seconds=40)
def test_a_service_that_does_not_become_healthy_is_shown_with_the_end_of_its_log(
    engine: None, project_root: Path, tmp_path: Path
) -> None:
    stack = ComposeStack(project_root, tmp_path)
    (tmp_path / "rq_mon/exporter/__main__.py").write_text("raise SystemExit('broken on purpose')\n")

    try:
        started = stack.make("start-rq-mon")

        assert started.returncode != 0
        _, _, log = started.stdout.partition(f"{RQ_EXPORTER.name}: ")
        assert "broken on purpose" in log
        assert stack.containers(RQ_EXPORTER), "what was started stays, to be looked at"
    finally:
        stack.remove()


@pytest.mark.compose
@pytest.mark.slow(seconds=40)
def test_errors_are_reported_before_anything_is_started(
    engine: None, project_root: Path, tmp_path: Path
) -> None:
    """By the programs in the images: promtool and amtool."""
    receivers = tmp_path / "mine"
    receivers.mkdir()
    (receivers / "receivers.yml").write_text("receivers:\n  - nme: critical\n")
    stack = ComposeStack(project_root, tmp_path, ALERT_RECEIVERS_DIR="./mine")
    (tmp_path / "objectives.yml").write_text("queues: not a mapping\n")
    rule = "groups:\n  - name: own\n    rules:\n      - record: own:sum\n        expr: sum(rq_workers\n"
    (tmp_path / "prometheus/rules/own.yml").write_text(rule)

    started = stack.make("start-rq-mon")

    assert started.returncode != 0
    assert "objectives.yml: queues: got 'not a mapping'" in started.stdout
    assert "./mine/receivers.yml: line 2: field nme not found" in started.stdout
    assert "prometheus/rules/own.yml: 5:" in started.stdout
    assert stack.containers() == []

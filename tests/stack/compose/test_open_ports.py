"""A container's port is open to other machines only on request, and only with a login."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from proofs.harness.compose_stack import ComposeStack
from stack.compose.environment import opened
from stack.services import GRAFANA, REDIS, RQ_MON_WEB, SERVICES, Service
from stack.settings import load_settings

pytestmark = [pytest.mark.compose, pytest.mark.slow]

ELSEWHERE = "127.0.0.2"
"""Another address of this machine, closed by default."""


@pytest.fixture
def stack(engine: None, project_root: Path, tmp_path: Path) -> Iterator[ComposeStack]:
    stack = ComposeStack(project_root, tmp_path)
    yield stack
    stack.remove()


def rendered(stack: ComposeStack, **variables: str) -> dict[str, Any]:
    """The definition of each service, as docker compose resolves the files."""
    stack.environment |= variables
    files = ("-f", "docker-compose.yml", "-f", "docker-compose-rq-monitor.yml")
    text = stack.docker("compose", *files, "--profile=viewer", "config", "--format", "json")
    services: dict[str, Any] = json.loads(text)["services"]
    return services


def addresses(services: dict[str, Any], service: Service) -> set[str]:
    return {port["host_ip"] for port in services[service.name]["ports"]}


def test_only_services_with_a_login_are_published_at_the_users_address(stack: ComposeStack) -> None:
    opened = {GRAFANA, REDIS, RQ_MON_WEB}

    services = rendered(stack, **{str(each.bind_variable): "192.0.2.7" for each in opened})

    for service in SERVICES:
        if service.port:
            expected = "192.0.2.7" if service in opened else "127.0.0.1"
            assert addresses(services, service) == {expected}


@pytest.mark.parametrize(("address", "anonymous"), [("", "true"), ("0.0.0.0", "false")])
def test_grafana_requires_a_login_if_its_port_is_open(
    stack: ComposeStack, address: str, anonymous: str
) -> None:
    environment = rendered(stack, GRAFANA_BIND_ADDRESS=address)[GRAFANA.name]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == anonymous
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"


def test_redis_answers_only_at_the_users_address_and_requires_a_login(stack: ComposeStack) -> None:
    stack.environment["REDIS_BIND_ADDRESS"] = ELSEWHERE
    port = stack.settings.port(REDIS)

    stack.compose("build")
    stack.compose("up", "--detach", "--wait", REDIS.name)

    with Redis(host=ELSEWHERE, port=port, retry=None) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    with Redis(host="127.0.0.1", port=port, retry=None) as stranger, pytest.raises(RedisConnectionError):
        stranger.ping()


def test_the_viewer_is_not_opened_because_it_has_no_login(stack: ComposeStack) -> None:
    refused = stack.make("start-rq-mon", GRAFANA_BIND_ADDRESS="0.0.0.0", GRAFANA_IMAGE="127.0.0.1:1/none:1")

    said = " ".join(refused.stdout.split())
    assert refused.returncode != 0
    assert "GRAFANA_BIND_ADDRESS: expected 127.0.0.1, got '0.0.0.0': viewer" in said
    assert stack.containers() == []


def test_make_treats_the_default_address_as_not_set() -> None:
    """The compose files require a login wherever an address is set."""
    settings = load_settings({"GRAFANA_BIND_ADDRESS": "127.0.0.1", "REDIS_BIND_ADDRESS": " 192.0.2.7 "})

    assert opened(settings) == {
        "REDIS_BIND_ADDRESS": "192.0.2.7",
        "GRAFANA_BIND_ADDRESS": "",
        "RQ_MON_WEB_BIND_ADDRESS": "",
    }

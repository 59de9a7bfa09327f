"""What a stranger cannot see or do on a native stack."""

from __future__ import annotations

import pytest
import requests
from redis import Redis
from redis.exceptions import AuthenticationError

from proofs.harness.native_stack import NativeStack
from stack.redis_users import USERS
from stack.services import (
    ALERTMANAGER,
    PROMETHEUS,
    REDIS,
    REDIS_EXPORTER,
    RQ_EXPORTER,
    RQ_MON_WEB,
    VIEWER,
    Service,
)
from tests.harness.silencing import check_silencing
from tests.harness.surface import MALFORMED, REFUSED, VIEWER_REFUSES, secret_files, secrets_of, send, shown
from tests.harness.surface import status_of as http_status

pytestmark = [
    pytest.mark.e2e(seconds=1),
    pytest.mark.needs("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
]


def test_only_their_owner_can_read_the_passwords(stack: NativeStack) -> None:
    files = secret_files(stack)

    assert {path.name for path in files} >= {user.secret for user in USERS}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert files[0].parent.stat().st_mode & 0o777 == 0o700


def test_no_password_is_in_a_command_line_an_environment_a_log_or_a_configuration(stack: NativeStack) -> None:
    texts = [word for process in stack.processes() for word in (*process.cmdline(), str(process.environ()))]
    texts += [log.read_text(errors="replace") for log in (stack.state / "logs").iterdir()]
    texts += [path.read_text() for path in stack.state.glob("*.conf")]

    assert len(texts) > 20
    assert shown(secrets_of(stack), texts) == []


def test_every_process_listens_on_this_machine_only(stack: NativeStack) -> None:
    assert set.union(*stack.listeners().values()) == {"127.0.0.1"}


def test_redis_refuses_every_client_without_a_password(stack: NativeStack) -> None:
    with Redis(port=stack.settings.port(REDIS)) as stranger, pytest.raises(AuthenticationError):
        stranger.flushall()


@pytest.mark.parametrize(
    ("service", "method", "path"), REFUSED, ids=lambda value: str(getattr(value, "name", value))
)
def test_a_forbidden_request_is_refused(stack: NativeStack, service: Service, method: str, path: str) -> None:
    status, body = http_status(stack, service, method, path)

    assert status >= 400 or "root:" not in body
    if service is PROMETHEUS:
        assert status >= 400


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:1", "null"])
def test_a_page_of_another_origin_cannot_read_metrics(stack: NativeStack, origin: str) -> None:
    answer = requests.get(
        f"{stack.url(PROMETHEUS)}/api/v1/query", {"query": "up"}, headers={"Origin": origin}, timeout=60
    )
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("service", "status"),
    [
        (PROMETHEUS, 200),
        (RQ_EXPORTER, 421),
        (REDIS_EXPORTER, 200),
        (ALERTMANAGER, 401),
        (VIEWER, 421),
        (RQ_MON_WEB, 421),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_foreign_page_whose_name_resolves_here_gets_the_documented_answers(
    stack: NativeStack, service: Service, status: int
) -> None:
    """DNS rebinding: to the browser, that page and the service have one origin."""
    host = {"Host": f"rebound.example:{stack.settings.port(service)}"}

    answer = requests.get(f"{stack.url(service)}{service.ui_path or '/metrics'}", headers=host, timeout=60)

    assert answer.status_code == status


def test_alerts_are_silenced_as_the_docs_say(stack: NativeStack) -> None:
    check_silencing(stack)


@pytest.mark.parametrize(("method", "path"), VIEWER_REFUSES)
def test_the_viewer_serves_its_own_files_only(stack: NativeStack, method: str, path: str) -> None:
    status, body = http_status(stack, VIEWER, method, path)

    assert 400 <= status < 500
    assert "import" not in body


@pytest.mark.parametrize("service", [RQ_EXPORTER, VIEWER], ids=lambda service: service.name)
@pytest.mark.parametrize("request_bytes", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_request_gets_no_success_and_harms_nothing(
    stack: NativeStack, service: Service, request_bytes: bytes
) -> None:
    answer = send(stack, service, request_bytes)

    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert http_status(stack, service, "GET", service.health_path or "/")[0] == 200

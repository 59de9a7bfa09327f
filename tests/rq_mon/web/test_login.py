"""Who may see and change what."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from redis import Redis
from rq import Queue

from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server
from rq_mon.web.attempts import IN_ALL, PER_ADDRESS, SECONDS, FailedLogins
from rq_mon.web.links import local_path
from tests.harness.web import PASSWORD, Operator, running_web
from tests.rq_mon.web.jobs import charge

PATHS = ("/", "/failures", "/running", "/workers", "/cron", "/queue?name=mail", "/job?id=x", "/find?id=x")
CHANGES = (
    "/failed/requeue/confirm?queue=mail",
    "/failed/requeue?queue=mail",
    "/failed/delete?queue=mail",
    "/running/stop",
    "/cron/pause",
    "/cron/resume",
    "/cron/run",
    "/logout",
)


def get(server: Server, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{server.url}{path}", headers=headers, timeout=20, allow_redirects=False)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_for_the_login_and_is_shown_after_it(web: Server, path: str) -> None:
    answer = get(web, path)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=/")
    assert "RQ jobs" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/runbooks/",
        "/runbooks/RQQueueStalled",
        "/docs/runbooks/RQQueueStalled.md",
        "/static/style.css",
    ],
)
def test_health_runbooks_and_styles_need_no_login(web: Server, path: str) -> None:
    assert get(web, path).status_code == 200


def test_a_wrong_password_opens_nothing(web: Server, redis_client: Redis) -> None:
    for password in ("", "right", f"{PASSWORD} ", "rïght horse"):
        operator = Operator(web.url)

        assert operator.log_in(password).status_code == 401
        assert get(
            web, "/", Cookie="; ".join(f"{k}={v}" for k, v in operator.session.cookies.items())
        ).is_redirect


def test_the_cookie_is_hidden_from_scripts_and_other_sites(operator: Operator) -> None:
    answer = requests.post(
        f"{operator.url}/login",
        data={"user": "rq-mon", "password": PASSWORD},
        allow_redirects=False,
        timeout=20,
    )

    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*answer.headers["Set-Cookie"].split("; ")}


def test_a_cookie_is_invalid_after_the_logout(operator: Operator) -> None:
    cookies = dict(operator.session.cookies)
    operator.press(operator.get("/"), "/logout")

    assert requests.get(f"{operator.url}/", cookies=cookies, allow_redirects=False, timeout=20).is_redirect


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_the_token_of_the_form(operator: Operator, redis_client: Redis, path: str) -> None:
    for fields in ([], [("csrf", "")], [("csrf", "x" * 43)]):
        operator.post(path, fields, expected=403)


@pytest.mark.parametrize("path", [*CHANGES, "/login"])
def test_a_change_from_another_page_is_refused(operator: Operator, path: str) -> None:
    token = operator.get("/").split('name="csrf" value="')[1].split('"')[0]
    foreign = (
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "same-site"},
    )
    for headers in foreign:
        answer = operator.session.post(
            f"{operator.url}{path}", data={"csrf": token}, headers=headers, timeout=20
        )
        assert answer.status_code == 403, headers


@pytest.mark.parametrize("path", [path for path in CHANGES if path != "/logout"])
def test_a_get_request_changes_nothing(operator: Operator, path: str) -> None:
    answer = operator.session.get(f"{operator.url}{path}", timeout=20)

    assert answer.status_code == 405


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost.evil.test", "a b", "[", "x@127.0.0.1"],
)
def test_an_unknown_host_name_is_refused(web: Server, host: str) -> None:
    assert get(web, "/health", Host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:9182", "10.1.2.3"])
def test_host_names_that_no_foreign_page_can_have_are_answered(web: Server, host: str) -> None:
    assert get(web, "/health", Host=host).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/health", "/nowhere", "/static/style.css", "/"])
def test_every_answer_has_the_content_security_policy(web: Server, path: str) -> None:
    headers = get(web, path).headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_has_inline_scripts_or_styles(operator: Operator) -> None:
    for path in ("/", "/failures", "/running", "/workers", "/cron", "/runbooks/"):
        page = operator.get(path)
        assert "<script" not in page
        assert "style=" not in page


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/",
        "javascript:x",
        "\\\\evil.test",
        "x",
        "/a\nb",
        "//[",
        "[",
        "http://[",
    ],
)
def test_the_login_redirects_to_no_other_site(path: str) -> None:
    assert local_path(path) == "/"
    assert not urlsplit(local_path(path)).netloc


@pytest.mark.parametrize("path", ["/", "/queue?name=mail&state=failed"])
def test_the_login_redirects_to_the_requested_page(path: str) -> None:
    assert local_path(path) == path


def test_an_address_must_wait_after_too_many_failed_logins() -> None:
    now = [0.0]
    failed = FailedLogins(lambda: now[0])
    for _ in range(PER_ADDRESS - 1):
        failed.add("a")
    assert failed.seconds_to_wait("a") == 0

    failed.add("a")

    assert failed.seconds_to_wait("a") == SECONDS + 1
    assert failed.seconds_to_wait("b") == 0
    now[0] = SECONDS + 1
    assert failed.seconds_to_wait("a") == 0


def test_failed_logins_from_many_addresses_are_limited_too() -> None:
    failed = FailedLogins(lambda: 0.0)
    for number in range(IN_ALL):
        failed.add(str(number))

    assert failed.seconds_to_wait("new") == SECONDS + 1


@pytest.mark.slow
def test_the_right_password_must_wait_too(redis_server: RedisServer, tmp_path: Path) -> None:
    with running_web(tmp_path, redis_server.url) as server:
        codes = [Operator(server.url).log_in("wrong").status_code for _ in range(PER_ADDRESS + 1)]
        answer = Operator(server.url).log_in()

    assert codes == [401] * PER_ADDRESS + [429]
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= SECONDS + 1


@pytest.mark.slow
def test_without_login_pages_can_be_read_but_not_changed(
    redis_server: RedisServer, redis_client: Redis, tmp_path: Path
) -> None:
    Queue("mail", connection=redis_client).enqueue(charge, "4711", job_id="one", description="a charge")
    with running_web(tmp_path, redis_server.url, {"RQ_MON_WEB_READ_WITHOUT_LOGIN": "yes"}) as server:
        anyone = Operator(server.url)
        page = anyone.get("/queue", name="mail")
        job = anyone.get("/job", id="one", arguments="shown")
        anyone.post("/failed/delete?queue=mail", [], expected=403)

    assert "one" in page
    assert "Requeue" not in page
    assert "4711" not in job


@pytest.mark.slow
def test_read_only_applies_to_logged_in_users_too(redis_server: RedisServer, tmp_path: Path) -> None:
    with running_web(tmp_path, redis_server.url, {"RQ_MON_WEB_CHANGES": "no"}) as server:
        operator = Operator(server.url)
        operator.log_in()
        page = operator.get("/failures")
        token = page.split('name="csrf" value="')[1].split('"')[0]
        answer = operator.post("/cron/run", [("csrf", token), ("id", "x")], expected=403)

        assert "RQ_MON_WEB_CHANGES" in answer
        operator.press(page, "/logout")

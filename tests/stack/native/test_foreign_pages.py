"""A page of another origin in a browser on this machine can neither silence an alert nor read a metric.

Prometheus and Alertmanager run with the command lines of the native runtime; test_commands.py compares the
compose files with them. This machine serves the page, too, so a browser's protection against pages of the
Internet does not apply.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page

from proofs.harness.browser import PATIENCE, open_browser
from proofs.harness.ports import free_port
from proofs.harness.servers import Server, running
from proofs.harness.waiting import wait_until
from stack import services
from stack.alertmanager_login import PASSWORD, USER, authorization
from stack.native import prometheus_config
from stack.native.commands import NativeContext, command
from stack.secrets import read_secret
from stack.services import ALERTMANAGER, PROMETHEUS, Service
from stack.settings import PROJECT_ROOT, load_settings

pytestmark = [
    pytest.mark.e2e(seconds=3),
    pytest.mark.needs("prometheus", "prometheus-alertmanager", "chromium"),
]

PAGE = b"<!doctype html><form method=post target=answer></form><iframe name=answer></iframe>"

ASK = """
    async ([url, options, type]) => {
        const body = options.body && type !== null ? new Blob([options.body], {type}) : options.body;
        try {
            const answer = await fetch(url, {...options, body});
            return {status: answer.status, text: answer.type === "opaque" ? "" : await answer.text()};
        } catch (error) {
            return {status: -1, text: String(error)};
        }
    }
"""
SUBMIT = """
    ([url, name, value, enctype]) => {
        const form = document.querySelector("form");
        form.action = url;
        form.enctype = enctype;
        form.innerHTML = "";
        const field = form.appendChild(document.createElement("input"));
        field.name = name;
        field.value = value;
        form.submit();
    }
"""


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _foreign_origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Monitoring:
    prometheus: Server
    alertmanager: Server
    password: str

    def silences(self) -> list[Any]:
        found: list[Any] = self.alertmanager.json("/api/v2/silences")
        return found

    def alerts(self) -> set[str]:
        """The names of the alerts in Alertmanager; some are Prometheus' own."""
        return {alert["labels"]["alertname"] for alert in self.alertmanager.json("/api/v2/alerts")}


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    directory = tmp_path_factory.mktemp("foreign")
    ports = {str(each.port_variable): str(free_port()) for each in (ALERTMANAGER, PROMETHEUS)}
    context = NativeContext(load_settings(ports, directory / ".env"), directory / "native")
    context.directory.mkdir()
    prometheus_config.write(
        PROJECT_ROOT / "prometheus" / "prometheus.yml",
        context.directory,
        services.SERVICES,
        context.settings.address,
        context.secrets / PASSWORD,
    )

    @contextmanager
    def started(service: Service, login: str = "") -> Iterator[Server]:
        run = command(service, context)
        port = context.settings.port(service)
        ready = str(service.health_path)
        with running(
            service.name, directory, port, run.arguments, ready, run.environment, None, login
        ) as server:
            yield server

    login = authorization(context.secrets)
    with started(ALERTMANAGER, login) as alertmanager, started(PROMETHEUS) as prometheus:
        yield Monitoring(prometheus, alertmanager, read_secret(context.secrets, PASSWORD))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@contextmanager
def _page(monitoring: Monitoring, browser: Browser, password: str) -> Iterator[Page]:
    """A foreign page, in a browser that sends this password wherever it can."""
    # Without one, Chromium would wait for a person to enter it.
    context = browser.new_context(http_credentials={"username": USER, "password": password})
    with _foreign_origin() as address:
        page = context.new_page()
        answer = page.goto(f"{monitoring.alertmanager.url}/api/v2/status")
        assert answer
        assert (answer.status == 200) == (password == monitoring.password)
        page.goto(address)
        yield page
        context.close()


@pytest.fixture(params=["a stranger", "who has logged in to Alertmanager"])
def page(request: pytest.FixtureRequest, monitoring: Monitoring, browser: Browser) -> Iterator[Page]:
    with _page(
        monitoring, browser, "guess" if request.param == "a stranger" else monitoring.password
    ) as page:
        yield page


def silence() -> str:
    now = datetime.now(UTC)
    return json.dumps(
        {
            "matchers": [{"name": "alertname", "value": ".+", "isRegex": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(days=1)).isoformat(),
            "createdBy": "a page",
            "comment": "it",
        }
    )


FALSE_ALERT = "WindowsNeedsYourPassword"
ALERT = json.dumps([{"labels": {"alertname": FALSE_ALERT}, "generatorURL": "https://elsewhere.example"}])


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
@pytest.mark.parametrize("credentials", ["include", "omit"])
def test_a_script_of_a_foreign_page_creates_no_silence_and_no_alert(
    monitoring: Monitoring, page: Page, mode: str, credentials: str
) -> None:
    for what, body in (("silences", silence()), ("alerts", ALERT)):
        # A browser also sends requests without a type before it asks.
        for type_ in ("application/json", "text/plain", "application/x-www-form-urlencoded", "", None):
            options = {"method": "POST", "mode": mode, "credentials": credentials, "body": body}
            page.evaluate(ASK, [f"{monitoring.alertmanager.url}/api/v2/{what}", options, type_])

    assert monitoring.silences() == []
    assert FALSE_ALERT not in monitoring.alerts()


@pytest.mark.parametrize(
    "enctype", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_form_of_a_foreign_page_creates_no_silence(
    monitoring: Monitoring, page: Page, enctype: str
) -> None:
    # As text/plain, name and value are the two sides of the first = in the body.
    name, _, value = silence().replace('"comment": "it"', '"comment": "="').partition("=")

    with page.expect_response("**/api/v2/silences", timeout=PATIENCE) as response:
        page.evaluate(SUBMIT, [f"{monitoring.alertmanager.url}/api/v2/silences", name, value, enctype])

    assert response.value.status in (401, 415)

    assert monitoring.silences() == []


def test_a_script_of_a_foreign_page_ends_no_silence(monitoring: Monitoring, page: Page) -> None:
    monitoring.alertmanager.post("/api/v2/silences", json.loads(silence()))
    (made,) = (each for each in monitoring.silences() if each["status"]["state"] == "active")
    url = f"{monitoring.alertmanager.url}/api/v2/silence/{made['id']}"
    try:
        for credentials in ("include", "omit"):
            page.evaluate(ASK, [url, {"method": "DELETE", "credentials": credentials}, None])

        assert monitoring.alertmanager.json(f"/api/v2/silence/{made['id']}")["status"]["state"] == "active"
    finally:
        assert requests.delete(url, auth=(USER, monitoring.password), timeout=60).status_code == 200


@pytest.mark.parametrize("path", ["query?query=up", "status/config", "status/flags", "targets"])
@pytest.mark.parametrize("credentials", ["include", "omit"])
def test_a_script_of_a_foreign_page_reads_nothing_from_prometheus(
    monitoring: Monitoring, page: Page, path: str, credentials: str
) -> None:
    url = f"{monitoring.prometheus.url}/api/v1/{path}"

    for method in ("GET", "POST") if path.startswith("query") else ("GET",):
        answer = page.evaluate(ASK, [url, {"method": method, "credentials": credentials}, None])
        assert answer["status"] == -1, answer


def test_a_script_of_a_foreign_page_reads_nothing_from_alertmanager(
    monitoring: Monitoring, browser: Browser
) -> None:
    with _page(monitoring, browser, "guess") as page:
        for path in ("/api/v2/alerts", "/api/v2/status", "/metrics"):
            for credentials in ("include", "omit"):
                url = f"{monitoring.alertmanager.url}{path}"
                answer = page.evaluate(ASK, [url, {"credentials": credentials}, None])
                assert answer["status"] in (-1, 401), answer


def test_alertmanager_requires_a_login_and_prometheus_has_it(monitoring: Monitoring) -> None:
    """The pages above fail because of the protection, not because nothing answers."""
    with pytest.raises(requests.HTTPError, match="401"):
        requests.get(f"{monitoring.alertmanager.url}/api/v2/silences", timeout=60).raise_for_status()
    wait_until(lambda: "Watchdog" in monitoring.alerts(), "an alert of Prometheus to arrive", within=120)

"""The tests' browser keeps loading pages while containers come and go."""

from __future__ import annotations

import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from proofs.harness.browser import CHROMIUM_FLAGS, open_browser
from proofs.harness.waiting import wait_until
from stack.native.programs import CHROMIUM

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.needs("chromium")]

REQUESTS = 9
"""Chromium sends six requests at a time to a server, and drops those that wait."""
ASK = """
    count => {
        window.answers = Promise.allSettled([...Array(count).keys()].map(number => fetch(`/held/${number}`)));
    }
"""
OUTCOMES = "async () => (await window.answers).map(answer => answer.status)"


class HoldingServer(ThreadingHTTPServer):
    """Answers requests for `/held` once the test allows it."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.held = 0
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: HoldingServer

    def do_GET(self) -> None:
        if self.path.startswith("/held"):
            self.server.held += 1
            self.server.release.wait(300)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HoldingServer]:
    with HoldingServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.release.set()
        server.shutdown()


@pytest.fixture
def network(engine: None) -> Iterator[str]:
    """The name of a network that the test creates."""
    name = f"rq-mon-test-{uuid.uuid4().hex[:8]}"
    yield name
    subprocess.run(["docker", "network", "rm", name], capture_output=True, check=False)


def asking(browser: Browser, server: HoldingServer) -> Page:
    """A page that has sent as many requests as Chromium sends at a time, and waits to send more."""
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    before = server.held
    page.evaluate(ASK, REQUESTS)
    wait_until(lambda: server.held >= before + 6, "six requests to be under way")
    return page


def test_a_new_network_drops_requests_of_an_ordinary_browser_but_not_of_ours(
    server: HoldingServer, network: str
) -> None:
    path, flags = CHROMIUM.path(), list(CHROMIUM_FLAGS)
    with open_browser() as ours, ours.browser_type.launch(executable_path=path, args=flags) as other:
        undisturbed, disturbed = asking(ours, server), asking(other, server)
        dropped: list[str | None] = []
        disturbed.on("requestfailed", lambda request: dropped.append(request.failure))

        subprocess.run(["docker", "network", "create", network], capture_output=True, check=True)

        def some_are_dropped() -> bool:
            disturbed.wait_for_timeout(50)  # processes the browser's events
            return "net::ERR_NETWORK_CHANGED" in dropped

        wait_until(some_are_dropped, "the other browser to drop requests")
        server.release.set()
        assert undisturbed.evaluate(OUTCOMES) == ["fulfilled"] * REQUESTS

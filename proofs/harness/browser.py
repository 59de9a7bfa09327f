"""Dashboards of a running viewer in a browser, for tests and screenshots."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from proofs.harness.waiting import wait_until
from stack.native.programs import CHROMIUM

PATIENCE = 60_000
"""Milliseconds that a test waits for a page to show or do something: Playwright alone gives up earlier."""

DRAWN_WITHIN = 300.0
"""Seconds that all panels of a dashboard may take: on a machine with a load of 50 some take two minutes."""

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PANEL = "section[aria-labelledby]"
BEING_LOADED = "[class*=panel-loading-bar-container] > *"
CONTENT = "[data-testid='data-testid panel content'] > *"
"""Missing until the first answer arrives."""
QUIET_LOOKS = 7
"""Consecutive polls that must find nothing in flight: a query may trigger another."""

DEAF_CHROMIUM = Path(__file__).with_name("deaf_chromium.py")

PanelState = Literal["loading", "data", "empty", "error"]

READ_PANELS = """
    (panels, [beingLoaded, content]) => panels.map(panel => {
        const has = selector => panel.querySelector(selector) !== null;
        return {
            title: document.getElementById(panel.getAttribute("aria-labelledby")).innerText,
            state: has(beingLoaded) || !has(content) ? "loading"
                : has("[role=alert], [data-viewer-state=error]") ? "error"
                : has("[data-viewer-state=empty]") ? "empty"
                : "data",
            text: panel.innerText,
        };
    })
"""

COUNT_PANELS = """
    async () => {
        const answer = await fetch(`/api/dashboards/${location.pathname.split("/")[2]}`);
        return (await answer.json()).panels.filter(panel => panel && panel.type !== "row").length;
    }
"""


@dataclass(frozen=True, slots=True)
class PanelView:
    """A panel as it is drawn."""

    title: str
    state: PanelState
    text: str


class DashboardView:
    """An open dashboard. Every access reads the page again."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.console_errors: list[str] = []
        """Errors and warnings in the console, exceptions, and failed requests."""
        self._waiting: set[Request] = set()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("request", lambda request: self._waiting.add(request))
        page.on("requestfinished", lambda request: self._waiting.discard(request))
        page.on("requestfailed", self._note_failure)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console_errors.append(message.text)

    def _note_failure(self, request: Request) -> None:
        self._waiting.discard(request)
        if request.failure != "net::ERR_ABORTED":  # the panel no longer waits for its answer
            self.console_errors.append(f"{request.failure}: {request.url}")

    def go(self, uid: str, query: Mapping[str, str], within: float = DRAWN_WITHIN) -> None:
        """Open a dashboard of the viewer, and wait until all of it is drawn.

        It is not refreshed unless `query` says so: on a busy machine queries take longer than the 10 s of the
        dashboards, and each refresh starts them again.
        """
        self._waiting.clear()  # a page that is left reports no end of its requests
        address = f"{self.base_url}/d/{uid}?{urlencode({'refresh': '', **query})}"
        self.page.goto(address, timeout=within * 1000)
        self.settle(within)

    def reload(self, within: float = DRAWN_WITHIN) -> None:
        """Reload the page, and wait until it is drawn."""
        self._waiting.clear()
        self.page.reload(timeout=within * 1000)
        self.settle(within)

    def settle(self, within: float = DRAWN_WITHIN) -> None:
        """Wait until all panels exist, even those far down, and no request is in flight."""
        self.page.locator(PANEL).first.wait_for(timeout=within * 1000)
        expected = int(self.page.evaluate(COUNT_PANELS))
        quiet = 0

        def is_quiet() -> bool:
            nonlocal quiet
            self._unroll()
            self.page.wait_for_timeout(50)  # processes the browser's events
            quiet = quiet + 1 if self._is_drawn(expected) else 0
            return quiet >= QUIET_LOOKS

        try:
            wait_until(is_quiet, "the panels to settle", within=within)
        except AssertionError as error:
            states = {panel.title: panel.state for panel in self.panels}
            waiting = [request.url for request in self._waiting]
            raise AssertionError(
                f"{error}; panels: {states}; requests: {waiting}; console: {self.console_errors}"
            ) from None

    def _unroll(self) -> None:
        """Make the window as high as the page, because panels are drawn only once they are in view."""
        size = self.page.viewport_size
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        if size and size["height"] < height:
            self.page.set_viewport_size({"width": size["width"], "height": height})

    def _is_drawn(self, expected: int) -> bool:
        return (
            not self._waiting
            and self.page.locator(f"{PANEL}:has({CONTENT})").count() >= expected
            and self.page.locator(BEING_LOADED).count() == 0
        )

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters of the URL."""
        return parse_qs(urlsplit(self.page.url).query)

    @property
    def panels(self) -> list[PanelView]:
        """All panels, from top to bottom."""
        raw = self.page.locator(PANEL).evaluate_all(READ_PANELS, [BEING_LOADED, CONTENT])
        return [PanelView(**panel) for panel in raw]

    def panel(self, title: str) -> Locator:
        """The panel with this title."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section").filter(has=heading)

    def errors(self) -> list[str]:
        """The errors of panels that cannot be drawn."""
        texts: list[str] = self.page.get_by_role("alert").all_inner_texts()
        return texts


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Open the system's headless Chromium, deaf to network interfaces of containers."""
    environment = os.environ | {"CHROMIUM": CHROMIUM.path()}
    browser = _playwright().chromium.launch(
        executable_path=DEAF_CHROMIUM, args=list(CHROMIUM_FLAGS), env=dict(environment)
    )
    try:
        yield browser
    finally:
        browser.close()


@cache
def _playwright() -> Playwright:
    """Return Playwright, which runs once in a process, however many browsers are open."""
    playwright = sync_playwright().start()
    expect.set_options(timeout=PATIENCE)
    atexit.register(playwright.stop)
    return playwright


def open_dashboard(
    base_url: str,
    uid: str,
    browser: Browser | BrowserContext,
    *,
    width: int = 1280,
    within: float = DRAWN_WITHIN,
    query: Mapping[str, str] | None = None,
) -> DashboardView:
    """Open a dashboard of a running viewer, and wait until its panels have settled.

    Args:
        base_url: the URL of the viewer.
        uid: the uid of the dashboard.
        browser: a browser or a context; pages of one context share what they load.
        width: width of the window in pixels.
        within: seconds to wait for the panels.
        query: URL parameters: from, to, theme, refresh, var-queue, …; without `refresh` it does not refresh.

    Close `view.page` afterwards.
    """
    view = DashboardView(browser.new_page(), base_url)
    view.page.set_viewport_size({"width": width, "height": 900})
    view.go(uid, query or {}, within)
    return view

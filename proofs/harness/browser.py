"""Dashboards of a running preview, as a browser shows them: for tests and for screenshots."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    sync_playwright,
)

from proofs.harness.waiting import wait_until
from stack.native.programs import CHROMIUM

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PanelState = Literal["loading", "data", "empty", "error"]

READ_PANELS = """
    panels => panels.map(panel => ({
        id: Number(panel.dataset.panelId),
        title: panel.querySelector("h3").innerText,
        type: panel.dataset.panelType,
        state: panel.dataset.state,
        text: panel.querySelector(".panel-body").innerText,
    }))
"""


ALL_DRAWN = """
    panels => panels.length > 0 && panels.every(panel => {
        const state = panel.dataset.state;
        if (state !== "data" || !panel.querySelector(".graph")) return state !== "loading";
        const plot = panel.querySelector(".js-plotly-plot");
        return plot !== null && (plot._fullData || []).length > 0;
    })
"""


@dataclass(frozen=True, slots=True)
class PanelView:
    """One panel as it is drawn."""

    id: int
    title: str
    type: str
    state: PanelState
    text: str


class DashboardView:
    """One open dashboard; what it shows is read anew at each look."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console_errors: list[str] = []
        """Errors and warnings of the console, exceptions, and requests that failed."""
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("requestfailed", self._note_failure)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console_errors.append(message.text)

    def _note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # that is leaving a page which still waits for answers
            self.console_errors.append(f"{request.failure}: {request.url}")

    @property
    def panels(self) -> list[PanelView]:
        """Every panel, from top to bottom."""
        raw = self.page.locator(".panel").evaluate_all(READ_PANELS)
        return [PanelView(**panel) for panel in raw]

    def panel(self, title: str) -> PanelView:
        """The panel with this title."""
        found = [panel for panel in self.panels if panel.title == title]
        assert len(found) == 1, f"{len(found)} panels are called {title!r}: {[p.title for p in self.panels]}"
        return found[0]

    def settle(self, within: float = 30.0) -> None:
        """Wait until every panel shows its data, that it has none, or its error."""
        try:
            wait_until(self._is_settled, "the panels to settle", within=within)
        except AssertionError as error:
            states = {panel.title: panel.state for panel in self.panels}
            raise AssertionError(f"{error}; panels: {states}; console: {self.console_errors}") from None

    def _is_settled(self) -> bool:
        return bool(self.page.locator(".panel").evaluate_all(ALL_DRAWN))


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium, the system's own."""
    browser = _playwright().chromium.launch(executable_path=CHROMIUM.path(), args=list(CHROMIUM_FLAGS))
    try:
        yield browser
    finally:
        browser.close()


@cache
def _playwright() -> Playwright:
    """Playwright runs once in a process, however many browsers are open at a time."""
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright


def open_dashboard(
    base_url: str,
    uid: str,
    browser: Browser | BrowserContext,
    *,
    width: int = 1280,
    within: float = 30.0,
    query: Mapping[str, str] | None = None,
) -> DashboardView:
    """Open a dashboard of a running preview, and wait until its panels have settled.

    Args:
        base_url: where the preview serves.
        uid: which dashboard.
        browser: a browser, or a context of it: what pages of one context load, they share.
        width: of the window, in pixels.
        within: seconds that the panels may take.
        query: what goes into the URL: from, to, theme, refresh, var-queue, …

    Close `view.page` afterwards.
    """
    view = DashboardView(browser.new_page())
    view.page.set_viewport_size({"width": width, "height": 900})
    view.page.goto(f"{base_url}/d/{uid}?{urlencode(query or {})}")
    view.settle(within)
    return view

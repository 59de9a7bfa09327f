"""Dashboards of a running preview, as a browser shows them: for tests and for screenshots."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.harness.waiting import wait_until

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
        page.on("requestfailed", lambda request: self.console_errors.append(f"failed: {request.url}"))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console_errors.append(message.text)

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
        wait_until(self._is_settled, "the panels to settle", within=within)

    def _is_settled(self) -> bool:
        states = self.page.locator(".panel").evaluate_all("panels => panels.map(p => p.dataset.state)")
        plots_drawn = self.page.locator(".js-plotly-plot").count() == self.page.locator(".dash-graph").count()
        return bool(states) and "loading" not in states and plots_drawn


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium, the system's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(CHROMIUM_FLAGS)
        )
        yield browser
        browser.close()


def open_dashboard(
    base_url: str, uid: str, browser: Browser, *, width: int = 1280, within: float = 30.0, **query: str
) -> DashboardView:
    """Open a dashboard of a running preview, and wait until its panels have settled.

    `query` goes into the URL: `theme="light"`, `to="now"`; write `from` as `from_`. Close `view.page.context`
    afterwards.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, timezone_id="UTC")
    view = DashboardView(context.new_page())
    parameters = urlencode({name.rstrip("_"): value for name, value in query.items()})
    view.page.goto(f"{base_url}/d/{uid}?{parameters}")
    view.settle(within)
    return view

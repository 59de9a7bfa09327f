"""A page of a running viewer, as a browser shows it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request

from proofs.harness.waiting import wait_until

PANEL = "section[aria-labelledby]"


class ViewerPage:
    """One open page; what it shows is read at each look."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.console_errors: list[str] = []
        """Errors and warnings of the console, exceptions, and requests that failed."""
        self._waiting: set[Request] = set()
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
        if request.failure != "net::ERR_ABORTED":  # a panel that does not wait for its answer any more
            self.console_errors.append(f"{request.failure}: {request.url}")

    def open(self, uid: str, start: int, end: int, **query: str) -> None:
        """Open a dashboard on a range of Unix times, without refresh, and wait until it is drawn."""
        self.go(f"/d/{uid}?{urlencode({'from': start * 1000, 'to': end * 1000, 'refresh': '', **query})}")

    def go(self, address: str) -> None:
        """Open an address of the viewer, and wait until all of it is drawn."""
        self._waiting.clear()  # of a page that is left, no end is reported
        self.page.goto(self.base_url + address)
        self.settle()

    def settle(self) -> None:
        """Wait until all panels are there, however far down, and no request is under way."""
        self.page.locator(PANEL).first.wait_for()
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        width = int(self.page.evaluate("window.innerWidth"))
        self.page.set_viewport_size({"width": width, "height": max(900, height)})
        quiet = 0

        def is_quiet() -> bool:
            nonlocal quiet
            self.page.wait_for_timeout(50)  # lets the browser's events in
            quiet = quiet + 1 if self._is_drawn() else 0
            return quiet > 6

        wait_until(is_quiet, "the panels to settle", within=45)

    def _is_drawn(self) -> bool:
        loading = "[class*=panel-loading-bar-container] > *"
        return not self._waiting and self.page.locator(loading).count() == 0

    @property
    def query(self) -> dict[str, list[str]]:
        """What the address says."""
        return parse_qs(urlsplit(self.page.url).query)

    def panel(self, title: str) -> Locator:
        """The panel with this title."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section").filter(has=heading)

    def errors(self) -> list[str]:
        """What panels say that cannot be drawn."""
        texts: list[str] = self.page.get_by_role("alert").all_inner_texts()
        return texts

"""Screenshots of the job pages of the running stack: `make screenshots`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from proofs.harness.browser import open_browser
from proofs.screenshots import FOLDER, THEMES, WIDTHS
from stack.secrets import WEB_PASSWORD, WEB_USER, read_secret
from stack.services import RQ_MON_WEB
from stack.settings import SECRETS_DIRECTORY, load_settings

PAGES = {
    "queues": "/",
    "failures": "/failures",
    "running": "/running",
    "workers": "/workers",
    "cron": "/cron",
    "runbooks": "/runbooks/",
}
BEHIND_A_FAILURE = {"job": "td a.line", "question": "td.buttons button"}
"""Pages behind a click on the first group of failures."""
TALL_ENOUGH = 1000
"""Pixels of a window in which a usual traceback needs no scroll bar."""


def log_in(browser: Browser, url: str, password: str, *, theme: str, width: int) -> BrowserContext:
    """Return a browser session that may see and change everything."""
    context = browser.new_context(
        color_scheme="dark" if theme == "dark" else "light", viewport={"width": width, "height": 400}
    )
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("#user", WEB_USER)
    page.fill("#password", password)
    page.click("button.main")
    page.wait_for_selector("form.logout")
    page.close()
    return context


def take_picture(context: BrowserContext, address: str, file: Path) -> None:
    """Write a PNG of a whole page."""
    page = context.new_page()
    page.goto(address)
    page.screenshot(path=file, full_page=True)
    page.close()


def take_pictures_of_failure(
    context: BrowserContext, url: str, folder: Path, *, theme: str, width: int
) -> None:
    """Write a PNG of a failed job, and of the question before a change, if a job is failed."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": TALL_ENOUGH})
    for name, element in BEHIND_A_FAILURE.items():
        page.goto(f"{url}/failures")
        if page.locator(element).count():
            page.locator(element).first.click()
            page.screenshot(path=folder / f"job-pages-{name}-{theme}-{width}.png")
    page.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Take a screenshot of each page, in each theme and width."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"for the pictures; default: {FOLDER}")
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    url = f"http://{load_settings().address(RQ_MON_WEB)}"
    password = read_secret(SECRETS_DIRECTORY, WEB_PASSWORD)
    with open_browser() as browser:
        for theme in THEMES:
            for width in WIDTHS:
                context = log_in(browser, url, password, theme=theme, width=width)
                for name, path in PAGES.items():
                    file = folder / f"job-pages-{name}-{theme}-{width}.png"
                    take_picture(context, f"{url}{path}", file)
                    print(file, flush=True)
                take_pictures_of_failure(context, url, folder, theme=theme, width=width)


if __name__ == "__main__":
    main()

"""Screenshots of every dashboard of a running viewer: `make screenshots`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser

from proofs.harness.browser import open_browser, open_dashboard
from stack.services import VIEWER
from stack.settings import STATE_DIRECTORY, load_settings
from stack.variables import BIND_ADDRESS

FOLDER = STATE_DIRECTORY / "screenshots"
WIDTHS = (1280, 1920)
THEMES = ("dark", "light")


def take_screenshot(
    browser: Browser, base_url: str, uid: str, file: Path, *, theme: str, width: int, time_range: str
) -> None:
    """Write a PNG of the whole dashboard once all its panels have settled."""
    query = {"theme": theme, "from": time_range, "to": "now", "refresh": ""}
    view = open_dashboard(base_url, uid, browser, width=width, query=query)
    height = view.page.evaluate("document.documentElement.scrollHeight")
    view.page.set_viewport_size({"width": width, "height": height})
    view.page.mouse.move(0, 0)
    view.page.screenshot(path=file, full_page=True, animations="disabled")
    view.page.close()


def _dashboards(base_url: str) -> list[str]:
    with urlopen(f"{base_url}/health", timeout=10) as answer:
        uids: list[str] = json.load(answer)["dashboards"]
        return uids


def main(arguments: Sequence[str] | None = None) -> None:
    """Take a screenshot of each dashboard, in each theme and width."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", help="of the viewer; default: the running stack's")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"for the pictures; default: {FOLDER}")
    parser.add_argument("--theme", choices=THEMES, action="append", help="default: each")
    parser.add_argument("--width", type=int, action="append", help="in pixels; default: 1280 and 1920")
    parser.add_argument("--dashboard", action="append", help="uid; default: all")
    parser.add_argument("--from", dest="time_range", default="now-30m", help="default: now-30m")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    url = options.url or f"http://{BIND_ADDRESS}:{load_settings().port(VIEWER)}"
    with open_browser() as browser:
        for uid in options.dashboard or _dashboards(url):
            for theme in options.theme or THEMES:
                for width in options.width or WIDTHS:
                    file = options.folder / f"{uid}-{theme}-{width}.png"
                    take_screenshot(
                        browser,
                        url,
                        uid,
                        file,
                        theme=theme,
                        width=width,
                        time_range=options.time_range,
                    )
                    print(file, flush=True)


if __name__ == "__main__":
    main()

"""Screenshots of every dashboard of a running viewer: `make screenshots`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from urllib.request import urlopen

import click
from playwright.sync_api import Browser

from proofs.harness.browser import open_browser, open_dashboard
from stack.services import VIEWER
from stack.settings import STATE_DIRECTORY, load_settings
from stack.variables import BIND_ADDRESS

FOLDER = STATE_DIRECTORY / "screenshots"
WIDTHS = (1280, 1920)
THEMES = ("dark", "light")
FOLDER_PATH = click.Path(file_okay=False, path_type=Path)


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


@click.command()
@click.option("--url", help="Address of the viewer; by default the running stack's.")
@click.option(
    "--folder", type=FOLDER_PATH, default=FOLDER, show_default=True, help="Where to write the pictures."
)
@click.option(
    "--theme", "themes", multiple=True, type=click.Choice(THEMES), default=THEMES, show_default=True
)
@click.option(
    "--width",
    "widths",
    multiple=True,
    type=click.IntRange(320, 7680),
    default=WIDTHS,
    show_default=True,
    help="In pixels.",
)
@click.option("--dashboard", "dashboards", multiple=True, metavar="UID", help="Only these; by default all.")
@click.option("--from", "time_range", default="now-30m", show_default=True, help="Begin of the time range.")
def main(
    url: str | None,
    folder: Path,
    themes: Sequence[str],
    widths: Sequence[int],
    dashboards: Sequence[str],
    time_range: str,
) -> None:
    """Take a screenshot of each dashboard, in each theme and width."""
    folder.mkdir(parents=True, exist_ok=True)
    url = url or f"http://{BIND_ADDRESS}:{load_settings().port(VIEWER)}"
    with open_browser() as browser:
        for uid, theme, width in product(dashboards or _dashboards(url), themes, widths):
            file = folder / f"{uid}-{theme}-{width}.png"
            take_screenshot(browser, url, uid, file, theme=theme, width=width, time_range=time_range)
            print(file, flush=True)


if __name__ == "__main__":
    main()

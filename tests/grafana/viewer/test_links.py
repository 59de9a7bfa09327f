"""Every link of tables, bars and series opens a dashboard with the right values."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from proofs.harness.boards import BOARDS, panels
from proofs.harness.browser import DashboardView
from proofs.harness.recorded_prometheus import RecordedPrometheus
from proofs.harness.servers import Server
from tests.grafana.viewer.conftest import OpenPage
from tests.harness.past import END, START

pytestmark = [pytest.mark.e2e(seconds=30), pytest.mark.needs("chromium", "prometheus", "promtool")]

Values = tuple[str, tuple[tuple[str, str], ...]]
"""A dashboard, and the values that its variables get."""

LONGEST = "rq-durations"
"""Its graphs take as long as all others together, and their links are built in the same way."""

HEIGHTS = [0.05 + 0.1 * step for step in range(10)]
"""Where to click on graphs, as parts of their height: the closest series offers its links."""


def values_of(address: str) -> Values:
    parts = urlsplit(address)
    query = parse_qs(parts.query, keep_blank_values=True)
    chosen = {name: values[0] for name, values in query.items() if name.startswith("var-")}
    return parts.path, tuple(sorted(chosen.items()))


def links_of_series(page: DashboardView, title: str) -> Iterator[str]:
    plot = page.panel(title).first.locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    for height in HEIGHTS:
        y = box["y"] + height * box["height"]
        page.page.mouse.move(x - 20, y)
        page.page.mouse.move(x, y, steps=4)
        page.page.wait_for_timeout(100)
        page.page.mouse.click(x, y)
        page.page.wait_for_timeout(100)
        links = page.page.locator("a[href^='/d/']")
        yield from links.evaluate_all(
            "all => all.filter(a => !a.closest('section')).map(a => a.getAttribute('href'))"
        )
        page.page.keyboard.press("Escape")


@pytest.fixture(scope="module")
def followed() -> set[Values]:
    """Links that were followed on another dashboard already."""
    return set()


@pytest.fixture(scope="module")
def known(recorded: RecordedPrometheus) -> dict[str, set[str]]:
    """The possible values of each variable."""
    labels = {"instance": "rq_redis_up", "queue": "rq_jobs", "function": "rq_jobs_processed_total"}
    return {
        f"var-{label}": {series["metric"][label] for series in recorded.instant(metric, END)}
        for label, metric in labels.items()
    }


@pytest.mark.parametrize(
    "uid", [pytest.param(uid, marks=pytest.mark.proof) if uid == LONGEST else uid for uid in BOARDS]
)
def test_links_contain_the_values_of_their_row_bar_or_series(
    open_page: OpenPage, viewer: Server, known: dict[str, set[str]], followed: set[Values], uid: str
) -> None:
    page = open_page(viewer, uid, START, END)
    found: set[Values] = set()
    for panel in panels(BOARDS[uid]):
        has_links = "/d/" in str(panel["fieldConfig"]) if "fieldConfig" in panel else False
        if not has_links:
            continue
        if panel["type"] == "timeseries":
            links = list(links_of_series(page, panel["title"]))
        else:
            links = (
                page.panel(panel["title"])
                .first.locator("a[href^='/d/']")
                .evaluate_all("all => all.map(a => a.getAttribute('href'))")
            )
        assert links, f"{panel['title']}: none of its links was found"
        found |= {values_of(link) for link in links}

    for path, chosen in found:
        assert path.removeprefix("/d/") in BOARDS
        for name, value in chosen:
            if name in known and value != "$__all":
                assert value in known[name], f"{path}: {name}={value!r}"
    for path, chosen in sorted(found - followed):
        query = "&".join(f"{name}={value}" for name, value in chosen)
        page.page.goto(f"{viewer.url}{path}?{query}&from={START * 1000}&to={END * 1000}&refresh=")
        expect(page.page.get_by_role("heading", level=1)).to_have_text(BOARDS[path[3:]]["title"])
        for name, value in chosen:
            if name in known and value != "$__all":
                expect(page.page.get_by_test_id("choices")).to_contain_text(value)
    followed.update(found)


@pytest.mark.parametrize(
    ("uid", "panel", "page"),
    [
        ("rq-workers", "Workers", "/workers?q="),
        ("rq-failures", "Failing functions", "/queue?state=failed&name="),
    ],
)
def test_rows_link_to_the_job_pages_at_the_exporters_address(
    open_page: OpenPage, viewer: Server, uid: str, panel: str, page: str
) -> None:
    shown = open_page(viewer, uid, START, END).panel(panel).first

    link = shown.locator(f"a[href^='http://127.0.0.1:9182{page}']").first
    expect(link).to_be_visible(timeout=60_000)
    assert "$" not in str(link.get_attribute("href"))


def test_the_url_of_a_page_cannot_change_where_links_go(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-workers", START, END)

    page.page.goto(f"{page.page.url}&var-job_pages=https%3A%2F%2Fevil.example")

    link = page.panel("Workers").first.locator("a[href^='http://127.0.0.1:9182/workers']").first
    expect(link).to_be_visible(timeout=60_000)
    expect(page.page.locator("a[href*='evil.example']")).to_have_count(0)

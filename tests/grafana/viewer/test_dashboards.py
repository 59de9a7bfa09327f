"""Every generated dashboard draws in a real browser, from a real Prometheus."""

from __future__ import annotations

import pytest

from proofs.harness.boards import BOARDS, panels
from proofs.harness.servers import Server
from tests.grafana.viewer.conftest import OpenPage
from tests.harness.past import END, START

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.needs("chromium", "prometheus", "promtool")]

SOON, LATER = "rq-overview", pytest.mark.e2e(seconds=10)
"""One dashboard is drawn by `make test`, the others by `make test-e2e`."""
CANVAS = ("timeseries", "heatmap", "state-timeline")
EMPTY_IN_THE_HOUR = {"Alerts"}
"""The rules are not loaded there, so no alert is known; the alert list has tests of its own."""


TOO_WIDE = """
    grids => grids
        .filter(grid => grid.scrollWidth > grid.clientWidth + 1)
        .map(grid => grid.closest("section").innerText)
"""
BLANK_ICONS = """
    icons => icons
        .filter(icon => ![...icon.querySelectorAll("path")].some(path => path.getAttribute("d")))
        .filter(icon => icon.querySelector("circle, rect, polygon, line") === null)
        .map(icon => icon.dataset.testid)
"""


@pytest.mark.parametrize("uid", [SOON, *(pytest.param(uid, marks=LATER) for uid in BOARDS if uid != SOON)])
def test_every_panel_shows_its_data(open_page: OpenPage, viewer: Server, uid: str) -> None:
    page = open_page(viewer, uid, START, END)

    assert page.page.title() == BOARDS[uid]["title"]
    assert page.errors() == []
    assert page.page.locator("svg[data-testid^=icon]").count() > 10
    assert page.page.locator("svg[data-testid^=icon]").evaluate_all(BLANK_ICONS) == []
    assert page.page.locator("[role=grid]").evaluate_all(TOO_WIDE) == [], "tables with columns out of sight"
    for panel in panels(BOARDS[uid]):
        drawn = page.panel(panel["title"]).first
        assert drawn.count() == 1, panel["title"]
        if panel["title"] in EMPTY_IN_THE_HOUR:
            continue
        assert drawn.locator("[data-viewer-state]").count() == 0, f"{panel['title']}: no data"
        if panel["type"] in CANVAS:
            assert drawn.locator(".u-over").count() == 1, panel["title"]
        elif panel["type"] == "table":
            assert drawn.get_by_role("row").count() > 1, panel["title"]
        else:
            assert len(drawn.inner_text().splitlines()) > 1, panel["title"]


@pytest.mark.parametrize(("theme", "color"), [("dark", "rgb(17, 18, 23)"), ("light", "rgb(251, 251, 251)")])
def test_a_dashboard_is_drawn_in_both_themes(
    open_page: OpenPage, viewer: Server, theme: str, color: str
) -> None:
    page = open_page(viewer, "rq-overview", START, END, theme=theme)

    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == color

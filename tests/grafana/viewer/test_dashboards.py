"""Every generated dashboard draws in a real browser, from a real Prometheus, and is readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from grafana.__main__ import GENERATED
from proofs.harness.boards import BOARDS, panels
from proofs.harness.browser import CONTENT, DashboardView
from proofs.harness.history import History
from proofs.harness.servers import Server
from tests.grafana.viewer.conftest import OpenPage
from tests.harness.drawn_text import drawn_texts
from tests.harness.legible import cut_cells, hidden_cells, reading_faults
from tests.harness.past import END, START, past
from tests.harness.viewer import running_viewer

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.needs("chromium", "prometheus", "promtool")]

SOON, LATER = "rq-overview", pytest.mark.e2e(seconds=10)
"""`make test` draws one dashboard in both themes, `make test-e2e` the others in the dark one."""
CANVAS = ("timeseries", "heatmap", "state-timeline")
EMPTY_IN_THE_HOUR = {"Alerts"}
"""The rules are not loaded there, so there are no alerts. The alert list has its own tests."""


BLANK_ICONS = """
    icons => icons
        .filter(icon => ![...icon.querySelectorAll("path")].some(path => path.getAttribute("d")))
        .filter(icon => icon.querySelector("circle, rect, polygon, line") === null)
        .map(icon => icon.dataset.testid)
"""


THEMES = {"dark": "rgb(17, 18, 23)", "light": "rgb(251, 251, 251)"}
WIDTHS = (1280, 1920)
UNEVEN = re.compile(r"(\d+\.(?!50 )\d+ (mins|hours?|days?)|\d+\.\d+)")
"""Ticks such as 1.17 mins, and parts of a job."""
LARGEST_LETTERS = """
    content => {
        const sizes = [...content.querySelectorAll("*")].map(one => getComputedStyle(one).fontSize);
        return Math.max(...sizes.map(parseFloat));
    }
"""

FORTY = History(
    START, queues=40, functions=40, workers=40, cron_jobs=20, module="company.billing.invoices.tasks"
)


@pytest.fixture(scope="module")
def viewer_of_forty(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The viewer of the generated dashboards, with forty queues and with functions that have long names."""
    rules = project_root / "prometheus" / "rules"
    for server in past(FORTY, tmp_path_factory.mktemp("forty"), rules):
        folder = tmp_path_factory.mktemp("viewer-of-forty")
        with running_viewer(project_root, folder, server.url, GENERATED) as viewer:
            yield viewer


def assert_panels_show_data(page: DashboardView, uid: str) -> None:
    assert page.page.title() == BOARDS[uid]["title"]
    assert page.errors() == []
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


def assert_numbers_of_a_row_are_of_one_size(page: DashboardView, uid: str) -> None:
    stats = [panel for panel in panels(BOARDS[uid]) if panel["type"] == "stat"]
    for height, row in groupby(stats, key=lambda panel: panel["gridPos"]["y"]):
        contents = [page.panel(panel["title"]).first.locator(CONTENT).first for panel in row]
        assert len({content.evaluate(LARGEST_LETTERS) for content in contents}) == 1, f"row {height}"


def assert_it_can_be_read(page: DashboardView, *, cells_may_be_cut: bool) -> None:
    for width in WIDTHS:
        page.page.set_viewport_size({"width": width, "height": 900})
        page.settle()
        assert reading_faults(page.page) == [], width
        assert [text for text in drawn_texts(page.page) if UNEVEN.fullmatch(text)] == [], width
        if cells_may_be_cut:
            assert hidden_cells(page.page) == [], width
        else:
            assert cut_cells(page.page).all_inner_texts() == [], width


def marks_of(uid: str, theme: str) -> list[pytest.MarkDecorator]:
    """A theme decides about colours only: `make test-proofs` draws the others in the light one."""
    return [] if uid == SOON else [LATER] if theme == "dark" else [LATER, pytest.mark.proof]


@pytest.mark.parametrize(
    ("uid", "theme"),
    [pytest.param(uid, theme, marks=marks_of(uid, theme)) for uid in BOARDS for theme in THEMES],
)
def test_every_panel_shows_its_data_without_cut_text(
    open_page: OpenPage, viewer: Server, uid: str, theme: str
) -> None:
    page = open_page(viewer, uid, START, END, theme=theme)

    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == THEMES[theme]
    assert_panels_show_data(page, uid)
    assert_numbers_of_a_row_are_of_one_size(page, uid)
    assert page.page.locator("svg[data-testid^=icon]").count() > 10
    assert page.page.locator("svg[data-testid^=icon]").evaluate_all(BLANK_ICONS) == []
    assert_it_can_be_read(page, cells_may_be_cut=False)


@pytest.mark.e2e(seconds=10)
@pytest.mark.parametrize("uid", BOARDS)
def test_forty_queues_and_long_names_are_readable(
    open_page: OpenPage, viewer_of_forty: Server, uid: str
) -> None:
    page = open_page(viewer_of_forty, uid, START, END)

    assert_panels_show_data(page, uid)
    assert_numbers_of_a_row_are_of_one_size(page, uid)
    assert_it_can_be_read(page, cells_may_be_cut=True)

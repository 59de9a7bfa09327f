"""Everything that makes a page hard to read is found, and a readable page has no findings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from proofs.harness.browser import open_browser
from tests.harness.drawn_text import record_drawn_text
from tests.harness.legible import cut_cells, hidden_cells, reading_faults

pytestmark = [pytest.mark.slow(seconds=1), pytest.mark.needs("chromium")]

STYLE = """
    <style>
        body { margin: 0 }
        h2 { font-size: 1em }
        h2, .cut, [role=gridcell] { width: 60px; overflow: hidden; white-space: nowrap }
        h2, .cut { text-overflow: ellipsis }
        [role=grid] { width: 200px; overflow: auto }
        [role=gridcell] { height: 20px }
        .whole:hover { width: fit-content }
        .out { width: 60px; overflow: hidden; white-space: nowrap }
        .on { margin-top: -1em }
        a { color: blue }
        .plain { color: inherit }
    </style>
"""
LONG = "much longer than sixty pixels"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_browser() as chromium:
        context = chromium.new_context(viewport={"width": 600, "height": 400}, device_scale_factor=2)
        record_drawn_text(context)
        yield context.new_page()


def show(page: Page, content: str, title: str = "Title") -> None:
    page.set_content(
        f"{STYLE}<section aria-labelledby=t><h2 id=t title='{title}'>{title}</h2>{content}</section>"
    )


def draw(page: Page, *steps: str) -> None:
    """Draw on a canvas of 100 by 60, as uPlot does: the canvas has two pixels for one of the page."""
    show(page, "<canvas width=200 height=120 style='width: 100px; height: 60px'></canvas>")
    begin = "const c = document.querySelector('canvas').getContext('2d'); c.font = '20px monospace';"
    page.evaluate(f"() => {{ {begin} {'; '.join(steps)} }}")


CLEAR = "c.clearRect(0, 0, 200, 120)"
TURN = "c.translate(70, 90); c.rotate(-Math.PI / 2)"


def cell(text: str, classes: str = "") -> str:
    return f"<div role=grid><div role=gridcell aria-colindex=1 class='{classes}'>{text}</div></div>"


@pytest.mark.parametrize(
    "content",
    [
        "<p>one</p><p>other</p>",
        f"<div class=cut title='{LONG}'>{LONG}</div>",
        cell("short"),
        cell("<a href=/>link</a>"),
        "<div style='overflow: auto; width: 60px'><div style='width: 300px'>can be scrolled to</div></div>",
    ],
)
def test_readable_text_has_no_findings(page: Page, content: str) -> None:
    show(page, content)

    assert reading_faults(page) == []
    assert hidden_cells(page) == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f"<div class=cut>{LONG}</div>", f"Title: {LONG} is cut"),
        (f"<div class=cut title='another text'>{LONG}</div>", f"Title: {LONG} is cut"),
        (f"<div class=out>{LONG}</div>", f"Title: {LONG} is cut at the side"),
        ("<div>one</div><div class=on>other</div>", "Title: one lies on other"),
        (
            "<div role=grid><div style='width: 300px'>wide</div></div>",
            "Title: the table is wider than its panel",
        ),
        ("<div style='width: 900px'>wide</div>", "page: wider than its window"),
        (cell("<a href=/ class=plain>link</a>"), "Title: the link link looks like text"),
    ],
)
def test_unreadable_text_is_found(page: Page, content: str, fault: str) -> None:
    show(page, content)

    assert fault in reading_faults(page)


def test_a_cut_title_is_found_even_if_it_has_a_tooltip(page: Page) -> None:
    show(page, "", title=LONG)

    assert f"{LONG}: {LONG} is cut" in reading_faults(page)


def test_a_cell_may_be_cut_if_it_is_shown_whole_under_the_pointer(page: Page) -> None:
    show(page, cell(LONG, "whole") + cell(LONG))
    assert cut_cells(page).count() == 1, "one of a column of a panel"

    show(page, cell(LONG, "whole"))
    assert hidden_cells(page) == []
    show(page, cell(LONG))
    assert hidden_cells(page) == [LONG]


@pytest.mark.parametrize(
    "steps",
    [
        ["c.fillText('10:00', 20, 50)", "c.fillText('10:15', 100, 50)"],
        ["c.fillText('before', 20, 50)", CLEAR, "c.fillText('after', 20, 50)"],
        ["c.fillText('before', 20, 50)", "c.canvas.width = 200", "c.fillText('after', 20, 50)"],
        ["c.fillText('one', 20, 50)", "c.translate(0, 40)", "c.fillText('below', 20, 50)"],
    ],
    ids=["beside", "cleared", "new-size", "moved"],
)
def test_readable_text_on_a_canvas_has_no_findings(page: Page, steps: list[str]) -> None:
    draw(page, *steps)

    assert reading_faults(page) == []


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (
            ["c.fillText('10:00', 20, 50)", "c.fillText('10:15', 76, 50)"],
            "Title: 10:00 is drawn on 10:15",
        ),
        (
            ["c.fillText('10:00', 20, 50)", "c.translate(0, 80)", "c.fillText('10:15', 30, -30)"],
            "Title: 10:00 is drawn on 10:15",
        ),
        (
            ["c.fillText('across', 60, 50)", TURN, "c.fillText('upwards', 0, 0)"],
            "Title: across is drawn on upwards",
        ),
        (["c.textAlign = 'right'", "c.fillText('queue-17', 60, 50)"], "Title: queue-17 is cut at the edge"),
        (["c.textBaseline = 'top'", "c.fillText('deep', 20, 110)"], "Title: deep is cut at the edge"),
        ([CLEAR, "c.fillText('0', 197, 50)"], "Title: 0 is cut at the edge"),
    ],
    ids=["beside", "moved", "turned", "left", "bottom", "right"],
)
def test_unreadable_text_on_a_canvas_is_found(page: Page, steps: list[str], fault: str) -> None:
    draw(page, *steps)

    assert any(found.startswith(fault) for found in reading_faults(page))

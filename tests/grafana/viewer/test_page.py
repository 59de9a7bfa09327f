"""The page around the panels: the URL contains the reader's choices, and every panel follows them."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import expect

from proofs.harness.browser import DashboardView
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from tests.grafana.viewer.conftest import OpenPage
from tests.grafana.viewer.history import EXEMPLAR_JOB, HOSTILE
from tests.grafana.viewer.prometheus import SyntheticPrometheus
from tests.harness.past import END, HOUR, START

pytestmark = [pytest.mark.e2e(seconds=5), pytest.mark.needs("chromium", "prometheus", "promtool")]


PATIENCE = 20_000
"""Milliseconds that a page may take to reload."""
DARK, LIGHT = "rgb(17, 18, 23)", "rgb(251, 251, 251)"


def range_of(page: DashboardView) -> tuple[float, float]:
    """Start and end in the URL, as Unix times."""
    start, end = (datetime.fromisoformat(page.query[name][0]).timestamp() for name in ("from", "to"))
    return start, end


def test_dragging_over_a_graph_zooms_and_back_returns(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END)
    box = page.panel("Jobs ended").locator(".u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
    page.page.mouse.up()

    wait_until(lambda: range_of(page)[1] != END, "the zoomed range")
    start, end = range_of(page)
    assert start == pytest.approx(START + HOUR / 4, abs=60)
    assert end == pytest.approx(START + HOUR / 2, abs=60)

    page.page.go_back()
    wait_until(lambda: range_of(page) == (START, END), "the first range")


RECORD_LABELS = """
    window.labels = [];
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
        const right = this.getTransform().transformPoint({x, y}).x + this.measureText(text).width / 2;
        const panel = this.canvas.closest("section")?.querySelector("h2")?.textContent;
        window.labels.push({text, panel, axis: this.textAlign, right, width: this.canvas.width});
        return fillText.call(this, text, x, y, ...rest);
    };
"""


def test_the_last_label_of_the_time_axis_is_not_cut(open_new_page: OpenPage, viewer: Server) -> None:
    page = open_new_page(viewer, "rq-durations", START, END - HOUR // 4)
    page.page.add_init_script(RECORD_LABELS)
    page.reload()

    labels = [label for label in page.page.evaluate("window.labels") if label["axis"] == "center"]
    assert "21:30" in {label["text"] for label in labels}, "the range ends with a label, in Kathmandu"
    assert [label for label in labels if label["right"] > label["width"]] == []


TICKS = {
    "Logarithmic": ["1 s", "2 s", "5 s", "10 s", "30 s", "1 min", "2 mins", "5 mins", "10 mins"],
    "Linear": ["0 s", "30 s", "1 min", "1.50 mins", "2 mins", "2.50 mins", "3 mins", "3.50 mins"],
    "Short": [f"{second} s" for second in range(9)],
    "No durations": [str(number) for number in range(0, 221, 20)],
}
"""From the lowest up. Grafana's own ticks would include 20 s and 40 s."""


def test_durations_have_ticks_at_round_seconds_and_minutes(
    open_new_page: OpenPage, viewer_of_types: Server, synthetic: SyntheticPrometheus
) -> None:
    page = open_new_page(viewer_of_types, "axes", synthetic.end - HOUR, synthetic.end)
    page.page.add_init_script(RECORD_LABELS)
    page.reload()

    labels = [label for label in page.page.evaluate("window.labels") if label["axis"] == "right"]
    for panel, expected in TICKS.items():
        drawn = dict.fromkeys(label["text"] for label in labels if label["panel"] == panel)
        assert list(drawn) == expected, panel


def test_the_url_contains_the_refresh_interval(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END, refresh="5m")
    picker = page.page.get_by_role("button", name=re.compile("^Choose refresh time interval"))
    assert page.query["refresh"] == ["5m"]

    picker.click()
    page.page.get_by_role("menuitemradio", name="Off").click()
    page.page.wait_for_url(re.compile("[?&]refresh=(&|$)"))
    page.reload()
    assert re.search("[?&]refresh=(&|$)", page.page.url)


def test_the_crosshair_is_shared_by_all_graphs(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END)
    page.panel("Jobs ended").locator(".u-over").hover()

    line = page.panel("Queue depth").locator(".u-cursor-x")
    wait_until(
        lambda: "translate(-" not in (line.get_attribute("style") or "-"), "the crosshair of the other"
    )


def test_keyboard_shortcuts_change_the_range(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END)
    for key in ("t", "z"):
        page.page.keyboard.press(key)

    wait_until(lambda: range_of(page) == (START - HOUR / 2, END + HOUR / 2), "twice the range")


def test_the_menu_opens_other_dashboards_with_variables_and_time(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END, **{"var-queue": "queue-1"})
    page.page.get_by_role("button", name="Dashboards").press("Enter")
    page.page.get_by_role("menuitem", name="RQ / Queue depth").click()
    page.page.wait_for_url("**/d/rq-queue-depth?**")
    page.settle()

    assert page.query["var-queue"] == ["queue-1"]
    assert range_of(page) == (START, END)
    expect(page.panel("Depth by queue")).not_to_contain_text("queue-0")
    expect(page.panel("Depth by queue")).to_contain_text("queue-1")


def test_selecting_a_value_filters_panels_and_links(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END)
    page.page.get_by_test_id("choices").get_by_role("combobox").nth(2).click()
    page.page.get_by_role("option", name="queue-1").click()
    page.page.keyboard.press("Tab")

    expect(page.panel("Queue depth")).not_to_contain_text("queue-0")
    expect(page.panel("Queue depth")).to_contain_text("queue-1")
    link = page.panel("Queue depth").get_by_role("link", name="Queue depth")
    assert "var-queue=queue-1&" in (link.get_attribute("href") or "")


def test_the_theme_follows_the_browser_until_one_is_selected_and_saved(
    open_new_page: OpenPage, viewer: Server
) -> None:
    page = open_new_page(viewer, "rq-overview", START, END)
    body = page.page.locator("body")
    page.page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", DARK, timeout=PATIENCE)
    page.page.emulate_media(color_scheme="light")
    expect(body).to_have_css("background-color", LIGHT, timeout=PATIENCE)

    page.page.get_by_role("button", name="Theme").click()
    page.page.get_by_role("menuitem", name="Dark").click()
    expect(body).to_have_css("background-color", DARK, timeout=PATIENCE)
    page.page.reload()
    expect(body).to_have_css("background-color", DARK, timeout=PATIENCE)
    page.page.evaluate("localStorage.clear()")


def test_an_annotation_shows_what_happened(open_page: OpenPage, viewer: Server) -> None:
    page = open_page(viewer, "rq-overview", START, END)
    page.panel("Queue depth").get_by_role("button", name="RQQueueWaitTooLong").focus()

    expect(page.page.get_by_text("critical queue-0")).to_be_visible()


def test_an_exemplar_links_to_its_job(
    open_page: OpenPage, viewer_of_types: Server, synthetic: SyntheticPrometheus
) -> None:
    page = open_page(viewer_of_types, "all-types", synthetic.end - HOUR, synthetic.end + 300)
    page.console_errors.clear()  # of the panel whose query is wrong
    page.panel("Jobs").get_by_role("button", name="Exemplar").first.focus()

    expect(page.page.locator(f"a[href$='/job?id={EXEMPLAR_JOB}']")).to_be_visible()


def test_panels_show_values_errors_and_reasons_for_missing_data(
    open_page: OpenPage, viewer_of_types: Server, synthetic: SyntheticPrometheus
) -> None:
    page = open_page(viewer_of_types, "all-types", synthetic.end - HOUR, synthetic.end)
    assert all("400" in error for error in page.console_errors)  # of the panel whose query is wrong
    page.console_errors.clear()

    expect(page.panel("Wait")).to_contain_text("1.50")
    expect(page.panel("Wrong")).to_contain_text("parse error")
    expect(page.panel("Unknown")).to_contain_text("does not draw panels of type news")
    expect(page.panel("Nothing")).to_contain_text("none yet")
    expect(page.panel("No series")).to_contain_text("No data")
    expect(page.panel("Queues")).to_contain_text(HOSTILE)
    expect(page.panel("Alerts")).to_contain_text("QueueStalled")
    expect(page.panel("Alerts").get_by_role("link", name="Dashboard")).to_have_attribute("href", "/d/other")
    assert page.panel("Alerts").get_by_role("link", name="Runbook").count() == 0  # it was a javascript: URL
    assert page.page.evaluate("window.hacked") is None


def test_a_name_that_looks_like_markup_is_shown_as_text(
    open_page: OpenPage, viewer_of_types: Server, synthetic: SyntheticPrometheus
) -> None:
    page = open_page(viewer_of_types, "other", synthetic.end - HOUR, synthetic.end, **{"var-queue": HOSTILE})

    expect(page.panel(f"Depth of {HOSTILE}")).to_be_visible()
    assert page.panel(f"Depth of {HOSTILE}").locator(".u-over").count() == 1
    assert page.page.locator("img, b").count() == 0
    assert page.page.evaluate("window.hacked") is None


@pytest.mark.parametrize(("length", "jobs"), [(900, ".+"), (HOUR, "-")])
def test_values_of_a_variable_come_from_a_query_over_the_range(
    open_page: OpenPage, viewer: Server, length: int, jobs: str
) -> None:
    """Short ranges are drawn from raw histograms, long ones from recorded ones."""
    page = open_page(viewer, "rq-job-function", START, START + 60)
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(unquote_plus(f"{request.url} {request.post_data}")))

    page.go("rq-job-function", {"from": str((END - length) * 1000), "to": str(END * 1000)})

    raw = [query for query in asked if "rate(rq_job_duration_seconds_bucket" in query]
    assert raw
    assert [query for query in raw if f'job=~"{jobs}"' not in query] == []

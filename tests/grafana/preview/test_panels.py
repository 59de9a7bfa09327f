"""Each panel type draws what Prometheus knows, as Grafana would."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from proofs.harness.browser import DashboardView
from proofs.harness.waiting import wait_until
from tests.grafana.preview.conftest import OpenDashboard
from tests.grafana.preview.history import EXEMPLAR_JOB, HOSTILE

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium", "prometheus", "promtool")]


@pytest.fixture(scope="module")
def view(look_at: OpenDashboard) -> DashboardView:
    return look_at()


def locate(view: DashboardView, title: str) -> Locator:
    return view.page.locator(f'.panel[data-panel-title="{title}"]')


def traces(view: DashboardView, title: str) -> list[dict[str, Any]]:
    """What Plotly has drawn: its own, complete traces, of which it has none while it draws anew."""
    return wait_until(lambda: _traces(locate(view, title)), f"Plotly to have drawn {title}")


def _traces(panel: Locator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = panel.locator(".js-plotly-plot").evaluate(
        """plot => (plot._fullData || []).map(trace => ({
            name: trace.name, type: trace.type, y: Array.from(trace.y || []), x: Array.from(trace.x || []),
            z: (trace.z || []).map(row => Array.from(row)), base: trace.base, customdata: trace.customdata,
            color: trace.marker && trace.marker.color, stack: trace.stackgroup,
        }))"""
    )
    return found


def test_every_panel_says_what_it_shows(view: DashboardView) -> None:
    states = {panel.title: panel.state for panel in view.panels}
    assert states == {
        "Wait": "data",
        "Depth": "data",
        "Queues": "data",
        "Bars": "data",
        "Run times": "data",
        "States": "data",
        "Words": "data",
        "Alerts": "data",
        "Nothing": "empty",
        "Wrong": "error",
        "Unknown": "error",
        "No series": "empty",
        "Jobs": "empty",
        "Rates": "data",
    }


def test_stat_shows_the_number_with_unit_and_threshold_color(view: DashboardView) -> None:
    number = locate(view, "Wait").locator(".stat-number")
    assert number.inner_text() == "1.50 mins"
    assert number.evaluate("node => getComputedStyle(node).color") == "rgb(242, 73, 92)"


def test_time_series_draws_each_series_over_the_range(view: DashboardView) -> None:
    lines = {
        trace["name"]: trace
        for trace in traces(view, "Depth")
        if trace["type"] == "scatter" and trace["stack"]
    }
    assert set(lines) == {"mail", "reports", HOSTILE.replace("<", "&lt;").replace(">", "&gt;")}
    assert lines["mail"]["y"][0] == pytest.approx(10)
    assert lines["mail"]["y"][-1] == pytest.approx(30)
    assert (lines["mail"]["x"][-1] - lines["mail"]["x"][0]) == 3_600_000
    assert locate(view, "Depth").locator(".scatterlayer .js-line").count() == 3


def test_legend_table_calculates(view: DashboardView) -> None:
    legend = locate(view, "Depth").locator(".legend-table")
    assert legend.locator("th").all_inner_texts() == ["Name", "Last *", "Mean", "Max"]
    assert legend.locator("tr", has_text="mail").inner_text().split() == ["mail", "30", "20", "30"]


def test_table_is_sorted_colored_and_linked(view: DashboardView) -> None:
    table = locate(view, "Queues").locator(".table")
    rows = table.locator("tbody tr")
    assert [row.split("\t") for row in rows.all_inner_texts()] == [
        ["reports", "90"],
        ["mail", "30"],
        [HOSTILE, "1"],
    ]
    cells = rows.locator("td:nth-child(2)")
    backgrounds = [cells.nth(i).evaluate("cell => getComputedStyle(cell).backgroundColor") for i in range(3)]
    assert backgrounds == ["rgb(242, 73, 92)", "rgb(255, 152, 48)", "rgb(115, 191, 105)"]
    assert rows.locator("a").first.get_attribute("href") == "/d/other?var-queue=reports"


def test_bar_gauge_fills_by_value(view: DashboardView) -> None:
    bars = locate(view, "Bars")
    names, values = (bars.locator(f".bar-{part}").all_inner_texts() for part in ("name", "value"))
    assert dict(zip(names, values, strict=True)) == {HOSTILE: "1", "mail": "30", "reports": "90"}
    share = bars.locator(".bar-row", has_text="reports").evaluate(
        "row => row.querySelector('.bar-fill').offsetWidth / row.querySelector('.bar-track').offsetWidth"
    )
    assert share == pytest.approx(0.5, abs=0.02)


def test_heatmap_has_a_row_a_bucket_with_its_own_count(view: DashboardView) -> None:
    (cells,) = [trace for trace in traces(view, "Run times") if trace["type"] == "heatmap"]
    assert len(cells["z"]) == 4
    # Per step 1 up to 0.1 s, 2 up to 1 s, 1 up to 10 s, none beyond; the colour is the root of the share.
    middle = [row[len(row) // 2] for row in cells["z"]]
    assert middle[:3] == pytest.approx([0.5**0.5, 1, 0.5**0.5], abs=0.01)
    assert middle[3] is None
    labels = locate(view, "Run times").locator(".ytick text").all_text_contents()
    assert labels == ["0.1", "1", "10", "+Inf"]
    assert locate(view, "Run times").locator(".heatmaplayer image").count() == 1


def test_state_timeline_draws_states_as_long_as_they_lasted(view: DashboardView) -> None:
    bars = {trace["name"]: trace for trace in traces(view, "States")}
    assert set(bars) == {"idle", "busy"}
    assert bars["idle"]["y"] == [0]
    assert bars["idle"]["x"][0] == pytest.approx(1_800_000, abs=20_000)
    assert sorted(bars["busy"]["y"]) == [0, 1]
    plot = locate(view, "States").locator(".nsewdrag").bounding_box()
    busy = locate(view, "States").locator(".barlayer .point").last.bounding_box()
    assert plot is not None
    assert busy is not None
    assert (busy["x"], busy["width"]) == pytest.approx((plot["x"], plot["width"]), abs=4)
    assert locate(view, "States").locator(".ytick text").all_text_contents() == ["worker-1", "worker-2"]
    assert locate(view, "States").locator(".legend").inner_text().split() == ["idle", "busy"]
    assert locate(view, "States").locator(".barlayer .point").count() == 3


def test_text_is_markdown_and_never_html(view: DashboardView) -> None:
    words = locate(view, "Words")
    assert words.locator("strong").inner_text() == "Bold"
    assert view.page.locator("#raw").count() == 0
    assert "All" in words.inner_text()


def test_alert_list_shows_state_summary_and_safe_links(view: DashboardView) -> None:
    alerts = locate(view, "Alerts")
    heads = [text.split()[:2] for text in alerts.locator(".alert-head").all_inner_texts()]
    assert heads == [["firing", "QueueStalled"], ["pending", "SlowlyComing"]]
    assert "Nothing ended in mail" in alerts.inner_text()
    assert alerts.locator("a").evaluate_all("links => links.map(a => a.getAttribute('href'))") == ["/d/other"]


def test_empty_panels_say_so_in_their_own_words(view: DashboardView) -> None:
    assert view.panel("Nothing").text == "none yet"
    assert view.panel("No series").text == "No data"


def test_failing_query_shows_prometheus_words_in_its_panel(view: DashboardView) -> None:
    assert "query A: bad_data" in view.panel("Wrong").text
    assert "parse error" in view.panel("Wrong").text


def test_panel_that_cannot_be_drawn_says_which_and_why(view: DashboardView) -> None:
    text = view.panel("Unknown").text
    assert "Panel 11 (Unknown) of all-types cannot be drawn" in text
    assert "no panels of type 'news'" in text


def test_firing_alerts_are_marked_on_graphs(look_at: OpenDashboard) -> None:
    view = look_at(query={"from": "now-5m", "to": "now"})
    marks = [
        trace
        for trace in traces(view, "Rates")
        if trace["type"] == "scatter" and isinstance(trace["color"], list)
    ]
    assert len(marks) == 1
    assert view.page.locator(".shapelayer path").count() >= 2


def test_exemplar_is_a_point_in_its_bucket_and_leads_to_its_job(look_at: OpenDashboard) -> None:
    view = look_at(query={"from": "now-20m", "to": "now"})
    jobs = locate(view, "Jobs")
    (points,) = [trace for trace in traces(view, "Jobs") if trace["name"] == "Exemplars"]
    assert points["customdata"][0]["labels"] == {"job_id": EXEMPLAR_JOB}
    # 5 s lies in the second row, that from 1 to 10 s, a bit below its middle.
    assert points["y"] == [pytest.approx(0.5 + 4 / 9)]

    point = jobs.locator(".scatterlayer .point")
    point.hover(force=True)
    jobs.locator(".hoverlayer .hovertext").wait_for()  # a click counts for what the pointer was found over
    point.click(force=True)

    link = jobs.locator(".popover a")
    assert link.get_attribute("href") == f"http://127.0.0.1:9181/0/view/job/{EXEMPLAR_JOB}"
    assert link.get_attribute("rel") == "noopener noreferrer"
    view.page.keyboard.press("Escape")
    jobs.locator(".popover").wait_for(state="detached")


def test_exemplars_are_reached_by_keyboard(look_at: OpenDashboard) -> None:
    view = look_at(query={"from": "now-20m", "to": "now"})
    jobs = locate(view, "Jobs")
    summary = jobs.locator(".exemplars summary")

    summary.focus()
    view.page.keyboard.press("Enter")

    link = jobs.locator(".exemplars a")
    expect(link).to_be_visible()
    view.page.keyboard.press("Tab")
    expect(link).to_be_focused()
    assert link.get_attribute("href") == f"http://127.0.0.1:9181/0/view/job/{EXEMPLAR_JOB}"
    assert EXEMPLAR_JOB in jobs.locator(".exemplars li").inner_text()
    view.page.keyboard.press("Escape")
    expect(link).to_be_hidden()


def test_the_time_under_the_pointer_is_marked_in_the_other_graphs(look_at: OpenDashboard) -> None:
    view = look_at()
    depth, rates = locate(view, "Depth"), locate(view, "Rates")
    area = depth.locator(".nsewdrag").first
    box = area.bounding_box()
    assert box is not None

    area.hover(position={"x": box["width"] / 4, "y": box["height"] / 2}, force=True)

    line = rates.locator(".crosshair")
    expect(line).to_be_attached()
    there, plot = line.bounding_box(), rates.locator(".nsewdrag").first.bounding_box()
    assert there is not None
    assert plot is not None
    assert (there["x"] - plot["x"]) / plot["width"] == pytest.approx(0.25, abs=0.02)
    assert depth.locator(".crosshair").count() == 0
    view.page.mouse.move(0, 0)
    expect(line).not_to_be_attached()


def test_hostile_labels_are_shown_as_text(view: DashboardView) -> None:
    view.page.get_by_role("group", name="Queue").locator("button").click()
    for title in ("Depth", "Queues", "Bars"):
        assert HOSTILE in locate(view, title).inner_text()
    assert view.page.locator("img, .panel b").count() == 0
    assert view.page.evaluate("window.hacked === undefined")


def test_tooltip_names_every_series_the_highest_first(look_at: OpenDashboard) -> None:
    view = look_at("other")
    plot = view.page.locator(".nsewdrag")
    box = plot.bounding_box()
    assert box is not None
    plot.hover(position={"x": box["width"] - 5, "y": box["height"] / 2})
    lines = view.page.locator(".hoverlayer .legendtext")
    expect(lines).to_have_text(["reports: 90", re.compile(r"^mail: (29|30)"), f"{HOSTILE}: 1"])
